// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { health } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { type Kubelet, startKubelet } from '../kubelet/start-kubelet.ts';
import type { KubeletUnderContract } from './device-plugin-contract.ts';

/** Starts the stand-in in a temporary directory. Returns it both directly and in the form that the contracts use. */
export async function startStandIn(): Promise<{ kubelet: Kubelet; underContract: KubeletUnderContract }> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-contract-')));
  const kubelet = undo.use(await startKubelet({ directory: join(path, 'device-plugins') }));
  const moved = undo.move();
  const underContract: KubeletUnderContract = {
    directory: kubelet.directory,
    waitForAllocatable: (name, count) =>
      kubelet.waitFor(() => {
        const devices = kubelet.resource(name)?.devices ?? [];
        return devices.filter((device) => device.health === health.healthy).length === count;
      }),
    restart: kubelet.restart,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
  return { kubelet, underContract };
}
