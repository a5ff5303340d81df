// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type handleServerStreamingCall, type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { registerResource } from '../../../nodeplugin/deviceplugin/registration-session.ts';
import {
  type AllocateRequest,
  type AllocateResponse,
  type DevicePluginOptions,
  devicePluginService,
  type Empty,
  health,
  type ListAndWatchResponse,
} from '../../../nodeplugin/deviceplugin/v1beta1.ts';
import { deviceIDs, linkName } from '../../../policy/device/device-id.ts';
import { resourcePrefix } from '../../../policy/plan/resource.ts';
import type { Cluster } from '../cluster.ts';
import { nodeFolder } from '../layout.ts';
import { pathInNode } from '../node/make-node-host.ts';

/** An entry of macvtap-cni's config map. */
export interface UpstreamResource {
  readonly name: string;
  readonly lowerDevice: string;
  readonly mode: string;
  readonly capacity: number;
  /** Whether the node's CNI plugin stays the one that is there. */
  readonly keepsCNIPlugin?: boolean;
}

const plugin = new URL('cni-plugin.sh', import.meta.url);
const options: DevicePluginOptions = { pre_start_required: false, get_preferred_allocation_available: false };

/**
 * Plays macvtap-cni on a node for kubelet, pods and the kernel. It serves a resource, makes links with a random index
 * on Allocate, and has a CNI plugin that moves them. Disposing of the result has the effect of deleting macvtap-cni's
 * DaemonSet; attached links stay.
 */
export async function startUpstream(
  cluster: Cluster,
  node: string,
  { name, lowerDevice, mode, capacity, keepsCNIPlugin = false }: UpstreamResource,
): Promise<AsyncDisposable> {
  const links = join(nodeFolder(node), 'upstream-links');
  await mkdir(links);
  if (!keepsCNIPlugin) {
    const program = await pathInNode(node, '/opt/cni/bin/macvtap');
    await writeFile(program, (await readFile(plugin, 'utf8')).replaceAll('LINKS', links), { mode: 0o755 });
  }

  const allocate = async (id: string) => {
    // The nodes share the machine's /dev, so a link index may be used on only one of them.
    const index = randomInt(1 << 24, 1 << 30);
    const link = ['link', lowerDevice, 'name', linkName(id), 'index', String(index)];
    await cluster.run(node, 'ip', 'link', 'add', ...link, 'type', 'macvtap', 'mode', mode);
    await writeFile(join(links, id), linkName(id));
    const path = `/dev/tap${index}`;
    return { devices: [{ host_path: path, container_path: path, permissions: 'rw' }] };
  };
  const GetDevicePluginOptions: handleUnaryCall<Empty, DevicePluginOptions> = (_, answer) => answer(null, options);
  const ListAndWatch: handleServerStreamingCall<Empty, ListAndWatchResponse> = (call) => {
    call.write({ devices: deviceIDs(name, capacity).map((ID) => ({ ID, health: health.healthy, topology: null })) });
  };
  const Allocate: handleUnaryCall<AllocateRequest, AllocateResponse> = ({ request }, answer) => {
    const ids = request.container_requests.flatMap(({ devices_ids: of }) => of);
    Promise.all(ids.map(allocate)).then(
      (container_responses) => answer(null, { container_responses }),
      (thrown: unknown) => answer({ details: String(thrown) }),
    );
  };
  const server = new Server();
  server.addService(devicePluginService, { GetDevicePluginOptions, ListAndWatch, Allocate });
  const socketPath = join(nodeFolder(node), 'kubelet/device-plugins', `${resourcePrefix.slice(0, -1)}_${name}`);
  await promisify(server.bindAsync.bind(server))(`unix:${socketPath}`, ServerCredentials.createInsecure());
  await registerResource({ resourceName: `${resourcePrefix}${name}`, socketPath, options });
  return { [Symbol.asyncDispose]: async () => server.forceShutdown() };
}
