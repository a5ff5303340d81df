// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeviceSpec, devicePluginService } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { dialSocket } from '../../nodeplugin/grpc-client.ts';
import { nodeFolder } from './layout.ts';

/** How long to wait for an answer that never arrives. */
const timeoutMs = 30_000;

/**
 * Allocates a device as kubelet does, but without kubelet's knowledge. The plugin therefore removes the link as an
 * orphan some time later.
 */
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
