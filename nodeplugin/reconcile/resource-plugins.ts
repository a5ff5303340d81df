// SPDX-License-Identifier: Apache-2.0
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import type { AllocateContext } from '../deviceplugin/allocate.ts';
import { createDeviceList, type Device, type DeviceList } from '../deviceplugin/device-list.ts';
import type { FailureListener } from '../deviceplugin/handle-call.ts';
import type { KubeletWatch } from '../deviceplugin/kubelet-watch.ts';
import { createResourceHandlers, type DeviceCall, observeCalls } from '../deviceplugin/resource-handlers.ts';
import {
  type RegistrationOutcome,
  type ResourcePlugin,
  type ResourcePluginState,
  startResourcePlugin,
} from '../deviceplugin/resource-plugin.ts';
import type { DevicePluginHandlers } from '../deviceplugin/server.ts';
import type { HeldTracker } from './held-tracker.ts';
import {
  allocatableOf,
  type DecisionCause,
  type DraOffer,
  decideServed,
  drainingFor,
  listDevices,
  onlyPlugin,
  type ParentLookup,
  type ServedByName,
  type ServedResource,
  withoutClaimed,
} from './served-resource.ts';

export interface ResourcePluginsOptions {
  /** Creates the handlers of a resource. `served` returns its current state. */
  readonly createHandlers: (name: string, list: DeviceList, served: () => ServedResource) => DevicePluginHandlers;
  readonly startPlugin: (name: string, handlers: DevicePluginHandlers) => ResourcePlugin;
}

/** A resource with its current state and, once started, its plugin. */
interface Entry {
  served: ServedResource;
  readonly list: DeviceList;
  plugin: ResourcePlugin | undefined;
}

/**
 * The device plugins of a node, one for each resource. `apply` starts, changes and stops them, and returns immediately.
 * If a resource is applied again while its old server is stopping, its new server starts after the old server has
 * stopped. Otherwise, kubelet would treat the end of the old server's stream as the end of the new one's.
 */
export class ResourcePlugins implements AsyncDisposable {
  readonly #options: ResourcePluginsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #ending = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: ResourcePluginsOptions) {
    this.#options = options;
  }

  get current(): ReadonlyMap<string, ServedResource> {
    return new Map([...this.#entries].map(([name, { served }]) => [name, served]));
  }

  /** The devices of each resource, as they are sent to kubelet when it is connected. */
  get listed(): ReadonlyMap<string, readonly Device[]> {
    return new Map([...this.#entries].map(([name, { list }]) => [name, list.current]));
  }

  /** The resources that are not registered with kubelet, oldest first. */
  get unregistered(): readonly string[] {
    return [...this.#entries].filter(([, { plugin }]) => plugin?.state.phase !== 'registered').map(([name]) => name);
  }

  /** The resources that wait to be registered again, with their last error. */
  get waiting(): ReadonlyMap<string, MacvtapError> {
    return new Map(
      [...this.#entries].flatMap(([name, { plugin }]) =>
        plugin?.state.phase === 'waiting' && plugin.state.lastError !== undefined
          ? [[name, plugin.state.lastError]]
          : [],
      ),
    );
  }

  /** `haveMoved` means that the node offers the resources that end by DRA from now on. */
  apply(next: ServedByName, devicesOf: (served: ServedResource) => readonly Device[], haveMoved = false): void {
    if (this.#closed) return;
    for (const [name, entry] of this.#entries) if (!next.has(name)) this.#end(name, entry, haveMoved);
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
      const handlers = this.#options.createHandlers(name, list, () => entry.served);
      entry.plugin = this.#options.startPlugin(name, handlers);
    };
    const ending = this.#ending.get(name);
    if (ending === undefined) start();
    else void ending.then(start);
  }

  #end(name: string, { plugin }: Entry, hasMoved = false): void {
    this.#entries.delete(name);
    if (plugin === undefined) return;
    const ended = plugin.stop(hasMoved).finally(() => {
      if (this.#ending.get(name) === ended) this.#ending.delete(name);
    });
    this.#ending.set(name, ended);
  }
}

export interface CreatePluginsOptions {
  readonly context: AllocateContext;
  /** The mutex for all allocations and attachments. Its keys are link names. */
  readonly lock: KeyedMutex;
  readonly kubelet: KubeletWatch;
  readonly held: Pick<HeldTracker, 'allocating'>;
  /** `name` is the resource without its prefix, here and in the callbacks below. */
  readonly onCall: (name: string, call: DeviceCall) => void;
  readonly onState: (name: string, state: ResourcePluginState) => void;
  readonly onFailure: (name: string, ...failure: Parameters<FailureListener>) => void;
  readonly onRegistration: (outcome: RegistrationOutcome) => void;
}

/** Creates the node's device plugins. Each resource that is applied gets a plugin that allocates macvtaps. */
export function createResourcePlugins(options: CreatePluginsOptions): ResourcePlugins {
  const { context, lock, kubelet, held, onCall, onState, onFailure, onRegistration } = options;
  return new ResourcePlugins({
    createHandlers: (name, list, served) =>
      createResourceHandlers({
        name,
        list,
        allocatable: () => allocatableOf(served()),
        context,
        lock,
        allocating: held.allocating,
      }),
    startPlugin: (name, handlers) =>
      startResourcePlugin({
        name,
        kubelet,
        handlers: observeCalls(handlers, (call) => onCall(name, call)),
        onRegistration,
        onState: (state) => onState(name, state),
        onFailure: (...failure) => onFailure(name, ...failure),
      }),
  });
}

/** Applies the latest plan and the held devices to the served resources. */
export interface Reconciler {
  /** The resources that the node offers, or that drain, through either API. */
  readonly current: ServedByName;
  /** The devices of each of these resources, with held ones. */
  readonly listed: ResourcePlugins['listed'];
  onPlan(plan: NodePlan, cause: Exclude<DecisionCause, 'held'>): void;
  /**
   * Must be called when no plan can be made. Before the first plan, this serves only the held devices. Otherwise,
   * kubelet would have no endpoint for their resources, and would not start the containers of their pods. After the
   * first plan, it changes nothing.
   */
  onWaiting(): void;
  /** Must be called when devices may have been allocated or released. */
  onHeld(): void;
  /** Must be called when `allocation` may have changed. */
  onAllocation(): void;
}

export interface ReconcilerOptions {
  readonly resources: Pick<ResourcePlugins, 'apply'>;
  readonly held: Pick<HeldTracker, 'current' | 'releasedDevices'>;
  /** Without it, the node uses only the device plugin API. */
  readonly dra?: DraOffer;
  readonly parents: ParentLookup;
  /** Called after each decision, with the served resources before and after it. */
  readonly onServed?: (before: ServedByName, after: ServedByName) => void;
}

/** A plan without resources. */
const nothing: Pick<NodePlan, 'resources' | 'skipped' | 'conflicts'> = { resources: [], skipped: [], conflicts: [] };

export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { resources, held, parents, onServed, dra = onlyPlugin } = options;
  let plan: typeof nothing | undefined;
  let current: ServedByName = new Map();
  let api = dra.allocation;
  /** Whether kubelet's plugins of all resources have made way for DRA. */
  let hasLeft = false;
  const decide = (cause: DecisionCause): void => {
    if (plan === undefined) return;
    const holding = held.current();
    const before = current;
    api = dra.allocation ?? api;
    // Until the API is known, only held devices are served.
    const [decided, why] = api === undefined ? ([nothing, 'held'] as const) : ([plan, cause] as const);
    const next = decideServed(decided, before, why, holding, parents, held.releasedDevices());
    faultPoint('plan-decided');
    current = next;
    const byPlugin = holding.filter(({ isClaimed }) => !isClaimed);
    const claimed = new Set(holding.filter(({ isClaimed }) => isClaimed).map(({ id }) => id));
    const devicesOf = (served: ServedResource) =>
      listDevices(served, byPlugin, parents).filter(({ id }) => !claimed.has(id));
    // Kubelet may still have the plugins of a former process, so each resource is registered and ends once.
    if (api === 'DRA' && !hasLeft && plan !== nothing) resources.apply(next, () => []);
    hasLeft = api === 'DRA' && (hasLeft || plan !== nothing);
    resources.apply(api === 'DRA' ? drainingFor(byPlugin) : withoutClaimed(next, byPlugin), devicesOf, hasLeft);
    faultPoint('plan-applied');
    // Before the first plan, it is not known what the node offers.
    if (plan !== nothing) dra.offer(api === 'DRA' ? next : new Map());
    onServed?.(before, next);
  };
  return {
    get current() {
      return current;
    },
    get listed() {
      const holding = held.current();
      return new Map([...current].map(([name, served]) => [name, listDevices(served, holding, parents)]));
    },
    onPlan(next, cause) {
      plan = next;
      decide(cause);
    },
    onWaiting() {
      if (plan !== undefined) return;
      plan = nothing;
      decide('held');
    },
    onHeld: () => decide('held'),
    onAllocation: () => decide('edit'),
  };
}
