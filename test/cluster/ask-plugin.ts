// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeviceSpec, devicePluginService } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { dialSocket } from '../../nodeplugin/grpc/dial-socket.ts';
import { nodeFolder } from './layout.ts';

/** Only an answer that never comes is waited for this long. */
const timeoutMs = 30_000;

/** Allocates a device as kubelet does, which does not learn of it: the link goes as an orphan, a while later. */
export async function allocateBesideKubelet(
  node: string,
  resource: string,
  deviceID: string,
): Promise<readonly DeviceSpec[]> {
  const folder = join(nodeFolder(node), 'kubelet/device-plugins');
  const name = (await readdir(folder)).find((file) => file.startsWith(`kube-macvtap-${resource}.`));
  if (name === undefined) throw new Error(`${node} has no socket of ${resource} in ${folder}`);
  using socket = dialSocket(join(folder, name));
  const request = { container_requests: [{ devices_ids: [deviceID] }] };
  const { container_responses } = await socket.call(devicePluginService.Allocate, request, { timeoutMs });
  return container_responses[0]?.devices ?? [];
}
