// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createDeviceList, type Device, type DeviceList } from '../../nodeplugin/deviceplugin/device-list.ts';
import { chooseSocketPath } from '../../nodeplugin/deviceplugin/plugin-sockets.ts';
import { registerResource } from '../../nodeplugin/deviceplugin/registration-session.ts';
import { type DevicePluginServer, serveDevicePlugin } from '../../nodeplugin/deviceplugin/server.ts';

/** A plugin as kubelet sees it: a server that registers only when the test calls for it. */
export interface ServedPlugin extends AsyncDisposable {
  readonly resourceName: string;
  readonly list: DeviceList;
  readonly server: DevicePluginServer;
  readonly disconnected: Promise<unknown>;
  register(): Promise<void>;
}

/** The options that the plugin reports to kubelet. */
export const pluginOptions = { pre_start_required: false, get_preferred_allocation_available: false };

export async function serve(
  { directory }: { readonly directory: string },
  name: string,
  initial: readonly Device[],
  startId = '1',
  onAllocate: () => void | Promise<void> = () => {},
): Promise<ServedPlugin> {
  const list = createDeviceList(initial);
  const disconnected = new AbortController();
  const server = await serveDevicePlugin({
    path: chooseSocketPath(directory, name, startId),
    handlers: {
      options: pluginOptions,
      list,
      allocate: async ({ container_requests }) => {
        await onAllocate();
        return { container_responses: container_requests.map(() => ({})) };
      },
      preferredAllocation: () => ({ container_responses: [] }),
      preStartContainer: () => {},
    },
    onDisconnect: () => disconnected.abort(),
  });
  const resourceName = resource(name);
  return {
    resourceName,
    list,
    server,
    disconnected: once(disconnected.signal, 'abort'),
    register: () => registerResource({ resourceName, socketPath: server.path, options: pluginOptions }),
    [Symbol.asyncDispose]: server.stop,
  };
}

/** A separate domain, so that a real kubelet does not confuse these resources with the product's. */
export const contractPrefix = 'contract.example/';

export function resource(name: string): string {
  return `${contractPrefix}${name}`;
}

export function devices(count: number): readonly Device[] {
  return Array.from({ length: count }, (_, index) => ({ id: `a${index}`, healthy: true, numaNodes: [] }));
}
