// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { ControlPlane } from '../apiserver/control-plane.ts';
import { binaryPath } from '../binaries/binary-path.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';

const stages = fileURLToPath(new URL('./stages.yaml', import.meta.url));

/** Starts kwok, which sets the condition Ready of every Node in place of a kubelet. */
export function startKwok({ kubeconfig }: Pick<ControlPlane, 'kubeconfig'>): RunningProcess {
  return startProcess({
    name: 'kwok',
    command: [
      binaryPath('kwok'),
      ...['--kubeconfig', kubeconfig, '--config', stages],
      '--manage-all-nodes=true',
      // Once all nodes are Ready, the only traffic of kwok would be node leases, which the product does not read.
      '--node-lease-duration-seconds=0',
    ],
  });
}
