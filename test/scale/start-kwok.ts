// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { ControlPlane } from '../apiserver/control-plane.ts';
import { binaryPath } from '../binaries/binary-path.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';

const stages = fileURLToPath(new URL('./stages.yaml', import.meta.url));

/** Plays the kubelet of every Node, as far as it says that it is Ready. */
export function startKwok({ kubeconfig }: Pick<ControlPlane, 'kubeconfig'>): RunningProcess {
  return startProcess({
    name: 'kwok',
    command: [
      binaryPath('kwok'),
      ...['--kubeconfig', kubeconfig, '--config', stages],
      '--manage-all-nodes=true',
      // Their leases would be the only traffic, and none that anything of ours reads.
      '--node-lease-duration-seconds=0',
    ],
  });
}
