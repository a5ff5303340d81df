// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join } from 'node:path';
import { health, type RegisterRequest } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import type { Holder } from '../../nodeplugin/podresources/held-devices.ts';
import { acceptRegistration } from './accept-registration.ts';
import { type Allocation, allocateDevices, preStartContainer } from './allocate.ts';
import { createChangeFeed } from './change-feed.ts';
import { createHeldTable, type HeldRow } from './held-table.ts';
import type { PluginConnection } from './plugin-connection.ts';
import { type PodResourcesOptions, type PodResourcesServer, startPodResources } from './pod-resources-server.ts';
import { type RegistrationServer, serveRegistration } from './registration-server.ts';
import { createResourceTable, type KubeletResource, markUnhealthy, type ResourceRow } from './resource-table.ts';

export type { Allocation } from './allocate.ts';
export type { KubeletResource } from './resource-table.ts';

/** Events of the stand-in while it runs. */
export type StandInEvent =
  | { readonly type: 'started' | 'stopped' }
  | { readonly type: 'register'; readonly resource: string; readonly endpoint: string; readonly error?: string };

export interface KubeletOptions extends Pick<PodResourcesOptions, 'get' | 'onCall'> {
  /** The device-plugins directory, which is created if it is missing. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: StandInEvent) => void) | undefined;
  /** Runs before a registration is checked. Delay it to be slow, throw to refuse. */
  readonly onRegister?: ((request: RegisterRequest) => void | Promise<void>) | undefined;
  /**
   * The directory of kubelet's pod-resources socket. If it is not set and `directory` is called device-plugins, the
   * socket is in pod-resources next to `directory`; otherwise, there is none.
   */
  readonly podResourcesDirectory?: string | undefined;
  /**
   * Changes the response to List and Get, for example to an empty list, as if kubelet did not know its pods yet. The
   * function can wait to respond slowly, or throw to refuse.
   */
  readonly onList?: ((held: readonly HeldRow[]) => readonly HeldRow[] | Promise<readonly HeldRow[]>) | undefined;
}

/** A stand-in for kubelet's device manager, with the gRPC API of the real one but without pods and a node. */
export interface Kubelet extends AsyncDisposable {
  readonly directory: string;
  /** Undefined when it serves no pod-resources API. */
  readonly podResourcesSocket: string | undefined;
  resources(): readonly KubeletResource[];
  resource(name: string): KubeletResource | undefined;
  /** Resolves when the predicate holds for the state of kubelet. */
  waitFor(predicate: (kubelet: Kubelet) => boolean, timeoutMs?: number): Promise<void>;
  /** Admits a container that wants this many devices of a resource. The default holder is a new pod. */
  allocate(resourceName: string, count: number, holder?: Partial<Holder>): Promise<Allocation>;
  /** Starts the container: calls PreStartContainer if the plugin requires it. */
  startContainer(allocation: Allocation): Promise<void>;
  /** Frees the devices, because their pod has ended. */
  release(allocation: Pick<Allocation, 'resourceName' | 'deviceIds'>): void;
  held(resourceName: string): readonly string[];
  /** Ends this run and starts a new one. Nothing is registered any more, but held devices stay held. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const {
    directory,
    signal,
    onEvent = () => {},
    onRegister = () => {},
    onList = (held) => held,
    get,
    onCall,
  } = options;
  const podResourcesSocket = podResourcesSocketOf(options);
  const feed = createChangeFeed();
  const table = createResourceTable(feed.changed);
  const held = createHeldTable();
  const connections = new Set<PluginConnection>();
  let pods = 0;
  let server: RegistrationServer | undefined;
  let podResources: PodResourcesServer | undefined;

  const register = async (request: RegisterRequest): Promise<void> => {
    const registration = { type: 'register', resource: request.resource_name, endpoint: request.endpoint } as const;
    try {
      await onRegister(request);
      await acceptRegistration(request, directory, table, connections);
      // If kubelet stops while the endpoint is being dialed, the connection must not stay open.
      if (server === undefined) closeAll();
      onEvent(registration);
    } catch (thrown) {
      onEvent({ ...registration, error: thrown instanceof Error ? thrown.message : String(thrown) });
      throw thrown;
    }
  };
  const closeAll = (): void => {
    const closing = [...connections];
    connections.clear();
    for (const connection of closing) connection.close();
  };
  const start = async (): Promise<void> => {
    server = await serveRegistration(directory, register);
    if (podResourcesSocket !== undefined) {
      const listed = () => onList(held.listed());
      podResources = await startPodResources({ socketPath: podResourcesSocket, held: listed, get, onCall });
    }
    onEvent({ type: 'started' });
  };
  const stop = async (): Promise<void> => {
    signal?.removeEventListener('abort', stop);
    const stopped = server;
    const stoppedList = podResources;
    server = undefined;
    podResources = undefined;
    await stoppedList?.stop();
    await stopped?.stop();
    closeAll();
    for (const name of table.rows.keys()) {
      table.update(name, ({ devices }) => ({
        devices: markUnhealthy(devices),
        connected: false,
        connection: undefined,
      }));
    }
    if (stopped !== undefined) onEvent({ type: 'stopped' });
  };
  const row = (name: string): ResourceRow => {
    const found = table.rows.get(name);
    if (found === undefined) throw new Error(`can't allocate unregistered device ${name}`);
    return found;
  };

  await start();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) await stop();
  const kubelet: Kubelet = {
    directory,
    podResourcesSocket,
    resources: () => [...table.rows.values()].map(publicPart),
    resource: (name) => kubelet.resources().find((resource) => resource.name === name),
    waitFor: (predicate, timeoutMs) =>
      feed.waitFor(
        () => predicate(kubelet),
        () => JSON.stringify(kubelet.resources().map(summarize)),
        timeoutMs,
      ),
    allocate: async (name, count, holder) => {
      pods += 1;
      const made = { namespace: 'default', name: `pod-${pods}`, container: 'compute' };
      return await allocateDevices(row(name), held, count, { ...made, ...holder });
    },
    startContainer: async ({ resourceName, deviceIds }) => preStartContainer(row(resourceName), deviceIds),
    release: ({ resourceName, deviceIds }) => held.free(resourceName, deviceIds),
    held: (name) => [...held.inUse(name)],
    restart: async () => {
      await stop();
      await start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return kubelet;
}

/** Returns the pod-resources socket. Kubelet's root directory contains both device-plugins/ and pod-resources/. */
function podResourcesSocketOf({ directory, podResourcesDirectory }: KubeletOptions): string | undefined {
  const isBeside = basename(directory) === 'device-plugins';
  const chosen = podResourcesDirectory ?? (isBeside ? join(dirname(directory), 'pod-resources') : undefined);
  return chosen && join(chosen, 'kubelet.sock');
}

/** Summarizes a resource for errors: the complete list of devices would hide what matters. */
function summarize({ name, devices, messages, connected }: KubeletResource): object {
  return { name, devices: devices.length, healthy: devices.filter(isHealthy).length, messages, connected };
}

function isHealthy(device: KubeletResource['devices'][number]): boolean {
  return device.health === health.healthy;
}

function publicPart({ connection, ...resource }: ResourceRow): KubeletResource {
  return resource;
}
