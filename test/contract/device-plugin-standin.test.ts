// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { health } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { startKubelet } from '../kubelet/start-kubelet.ts';
import { type KubeletUnderContract, testDevicePluginContract } from './device-plugin-contract.ts';

testDevicePluginContract('the stand-in for kubelet', startStandIn);

async function startStandIn(): Promise<KubeletUnderContract> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-contract-')));
  const kubelet = undo.use(await startKubelet({ directory: path }));
  const moved = undo.move();
  return {
    directory: kubelet.directory,
    waitForAllocatable: (name, count) =>
      kubelet.waitFor(() => {
        const devices = kubelet.resource(name)?.devices ?? [];
        return devices.filter((device) => device.health === health.healthy).length === count;
      }),
    restart: kubelet.restart,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}
