// SPDX-License-Identifier: Apache-2.0
import type { MacvtapError } from '../../runtime/errors.ts';
import { createDeviceList, type Device, type DeviceList } from '../deviceplugin/device-list.ts';
import type { ResourcePlugin } from '../deviceplugin/resource-plugin.ts';
import type { DevicePluginHandlers } from '../deviceplugin/server.ts';
import type { ServedResource } from './served-resource.ts';

export interface ServedResourcesOptions {
  /** The handlers of a resource; `served` gives its newest state at each call. */
  readonly createHandlers: (name: string, list: DeviceList, served: () => ServedResource) => DevicePluginHandlers;
  readonly startPlugin: (name: string, handlers: DevicePluginHandlers) => ResourcePlugin;
}

/** A resource on its way: what is served now, and the plugin once it runs. */
interface Entry {
  served: ServedResource;
  readonly list: DeviceList;
  plugin: ResourcePlugin | undefined;
}

/**
 * The device plugins of a node, one for each resource. `apply` makes them what a decision says; it returns at once, and
 * a resource that comes back while its old server still ends waits for that end, since kubelet would take the end of the
 * old stream for the new one's.
 */
export class ServedResources implements AsyncDisposable {
  readonly #options: ServedResourcesOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #ending = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: ServedResourcesOptions) {
    this.#options = options;
  }

  get current(): ReadonlyMap<string, ServedResource> {
    return new Map([...this.#entries].map(([name, { served }]) => [name, served]));
  }

  /** What kubelet is told of each, whether it listens or not. */
  get listed(): ReadonlyMap<string, readonly Device[]> {
    return new Map([...this.#entries].map(([name, { list }]) => [name, list.current]));
  }

  /** Those that kubelet does not know, or no longer, in the order in which they came. */
  get unregistered(): readonly string[] {
    return [...this.#entries].filter(([, { plugin }]) => plugin?.state.phase !== 'registered').map(([name]) => name);
  }

  /** Those that wait for kubelet, or for who is in the way of it, with the last error. */
  get waiting(): ReadonlyMap<string, MacvtapError> {
    return new Map(
      [...this.#entries].flatMap(([name, { plugin }]) =>
        plugin?.state.phase === 'waiting' && plugin.state.lastError !== undefined
          ? [[name, plugin.state.lastError]]
          : [],
      ),
    );
  }

  apply(next: ReadonlyMap<string, ServedResource>, devicesOf: (served: ServedResource) => readonly Device[]): void {
    if (this.#closed) return;
    for (const [name, entry] of this.#entries) {
      if (!next.has(name)) this.#end(name, entry);
    }
    for (const [name, served] of next) {
      const entry = this.#entries.get(name);
      if (entry === undefined) this.#begin(name, served, devicesOf(served));
      else {
        entry.served = served;
        entry.list.set(devicesOf(served));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const [name, entry] of this.#entries) this.#end(name, entry);
    await Promise.all(this.#ending.values());
  }

  #begin(name: string, served: ServedResource, devices: readonly Device[]): void {
    const list = createDeviceList(devices);
    const entry: Entry = { served, list, plugin: undefined };
    this.#entries.set(name, entry);
    const start = () => {
      if (this.#entries.get(name) !== entry) return;
      entry.plugin = this.#options.startPlugin(
        name,
        this.#options.createHandlers(name, list, () => entry.served),
      );
    };
    const ending = this.#ending.get(name);
    if (ending === undefined) start();
    else void ending.then(start);
  }

  #end(name: string, entry: Entry): void {
    this.#entries.delete(name);
    const { plugin } = entry;
    if (plugin === undefined) return;
    const ended = plugin.stop().finally(() => {
      if (this.#ending.get(name) === ended) this.#ending.delete(name);
    });
    this.#ending.set(name, ended);
  }
}
