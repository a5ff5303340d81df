// SPDX-License-Identifier: Apache-2.0
import { createClaimLookup } from '../../cluster/api/lookups.ts';
import { openResourceSlices } from '../../cluster/report/node-plugin/resource-slices.ts';
import type { LiveSource } from '../../cluster/source.ts';
import { parseDeviceID } from '../../policy/device/device-id.ts';
import { deviceIDOfDraDevice } from '../../policy/device/dra-names.ts';
import {
  type DraParent,
  type DraResource,
  keyOfSlices,
  nextEvictionMs,
  planSlices,
} from '../../policy/plan/dra-devices.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createSleeper, pause } from '../../runtime/pause.ts';
import { isSandboxThere } from '../cni/attachments.ts';
import type { NodePluginConfig } from '../config.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { readBusFacts } from '../links/read-interfaces.ts';
import type { HeldTracker } from '../reconcile/held-tracker.ts';
import { allocatableOf, type ServedByName } from '../reconcile/served-resource.ts';
import { createLeftoverCollector, openCDIDirectory } from './cdi-spec.ts';
import { type Allocation, chooseAllocation, mayUseDra } from './choose-allocation.ts';
import type { AnsweredClaim } from './driver-services.ts';
import { type PrepareContext, prepareClaim, refuseWithoutDra, unprepareClaim } from './prepare-claim.ts';

export interface OpenDraOptions {
  readonly config: Pick<
    NodePluginConfig,
    'node-name' | 'allocation' | 'allocation-by-label' | 'cdi-dir' | 'kubelet-dir' | 'orphan-grace'
  >;
  readonly source: Pick<LiveSource, 'origin' | 'snapshot' | 'onChange'>;
  readonly context: Omit<
    PrepareContext,
    'findClaim' | 'cdi' | 'deviceOf' | 'allocatable' | 'isHeldByPlugin' | 'ledger'
  >;
  readonly ledger: Ledger;
  readonly held: Pick<HeldTracker, 'current' | 'has'>;
  /** Called when the API that serves new pods may have changed. */
  readonly onChange: () => void;
  readonly onAnswer: (answered: AnsweredClaim) => void;
  /** Called when claims may have taken or released devices. */
  readonly onHeld: () => void;
  /** Called with each error of the driver that is not an answer to kubelet. */
  readonly onTrouble: (error: MacvtapError) => void;
  /** Called when kubelet has registered the driver, and with the names of claims that were left over. */
  readonly onRegistered: () => void;
  readonly onCollected: (claims: readonly string[]) => void;
  readonly onSlices: (error: MacvtapError | undefined) => void;
}

/** The node's driver of dynamic resource allocation. */
export interface Dra extends AsyncDisposable {
  /** The API that serves new pods. Undefined until it is known. */
  readonly allocation: Allocation | undefined;
  readonly trouble: string | undefined;
  /** Whether kubelet can call the driver, or need not. */
  readonly isRegistered: boolean;
  /** Sets the resources that the node offers. Must also be called after held devices or interfaces changed. */
  offer(resources: ServedByName): void;
}

/**
 * Runs the driver while the node uses DRA, and while claims are prepared, until disposed. Prepared claims stay prepared
 * when the process ends.
 *
 * If the installation no longer allows DRA, claims that are still prepared can be unprepared. This needs no right on
 * the API server. Kubelet deletes the slices after the driver has ended.
 */
export async function openDra(options: OpenDraOptions): Promise<Dra> {
  const { config, source, ledger, held, onChange, onTrouble, onSlices, onCollected } = options;
  const choice = chooseAllocation({ config, source, onChange: () => offered && onChange() });
  const { origin } = source;
  /** Undefined before the first plan. */
  let offered: ServedByName | undefined;
  const client = mayUseDra(config, source) && origin.kind === 'cluster' ? origin.client : undefined;
  const claimed = () =>
    ledger.entries().flatMap(([, { claim, attachment }]) => (claim === undefined ? [] : [{ claim, attachment }]));
  if (client === undefined && claimed().length === 0) {
    return {
      allocation: 'DevicePlugin',
      get trouble() {
        return choice.trouble;
      },
      isRegistered: true,
      offer() {},
      [Symbol.asyncDispose]: () => choice[Symbol.asyncDispose](),
    };
  }
  const scope = new AbortController();
  const { signal } = scope;
  const sleeper = createSleeper(signal);
  let isRegistered = false;
  const context: PrepareContext = {
    ...options.context,
    ledger,
    findClaim: client ? createClaimLookup(client) : refuseWithoutDra,
    cdi: openCDIDirectory(config['cdi-dir']),
    deviceOf: (name) => deviceIDOfDraDevice(name, offered?.keys() ?? []),
    allocatable: (id) => {
      const { resourceName = '', index = 0 } = parseDeviceID(id) ?? {};
      const served = choice.current === 'DRA' ? offered?.get(resourceName) : undefined;
      return served && index < (served.resource?.quantity ?? 0) ? allocatableOf(served) : undefined;
    },
    isHeldByPlugin: (id) => held.has(id) && ledger.get(id)?.claim === undefined,
  };
  const heldByPlugin = () => new Set(held.current().flatMap(({ id, isClaimed }) => (isClaimed ? [] : [id])));
  const slices = client && openResourceSlices({ client, node: config['node-name'], onWrite: onSlices });
  const collect = createLeftoverCollector({
    ...context,
    unattached: () =>
      claimed().flatMap(({ claim, attachment }) => (attachment && isSandboxThere(attachment) ? [] : [claim])),
    isInLedger: (uid) => claimed().some(({ claim }) => claim.uid === uid),
    unprepare: (claim) => unprepareClaim(claim, context, signal),
  });
  const readParents = createParentReader(options.context.findInterface);
  let isChanged = false;
  /** Must be called when claims may have taken or released devices. */
  const changed = () => {
    isChanged = true;
    sleeper.wake();
  };
  // Imported on demand, because most nodes never serve the driver.
  const { keepDriver } = await import('./serve-driver.ts');
  const driver = keepDriver({
    kubeletDirectory: config['kubelet-dir'],
    handlers: {
      prepare: (claim, signal) => prepareClaim(claim, context, signal),
      unprepare: (claim, signal) => unprepareClaim(claim, context, signal),
    },
    onAnswer: (answered) =>
      // Kubelet waits for the answer, so it is sent first.
      void setImmediate(() => {
        options.onAnswer(answered);
        changed();
      }),
    onFailure: (_method, error) => onTrouble(error),
    onTrouble,
    onRegistered(is) {
      if (is) options.onRegistered();
      isRegistered = is;
    },
  });
  let timer: NodeJS.Timeout | undefined;
  let plannedKey = '';
  const settle = async (): Promise<void> => {
    const isDra = choice.current === 'DRA';
    const resources = isDra && offered !== undefined ? await readParents(offered) : [];
    const byPlugin = heldByPlugin();
    const key = keyOfSlices(resources, byPlugin);
    // Most calls change nothing, and a node may have thousands of devices.
    if (choice.current !== undefined && offered !== undefined && key !== plannedKey) {
      plannedKey = key;
      slices?.set(planSlices(resources, byPlugin));
    }
    driver.run(isDra || claimed().length > 0);
    clearTimeout(timer);
    const ms = nextEvictionMs(resources);
    if (ms !== undefined && !signal.aborted) timer = setTimeout(sleeper.wake, Math.min(ms + 1, 2 ** 31 - 1));
  };
  const running = (async () => {
    while (!signal.aborted) {
      await settle().catch((thrown) => onTrouble(MacvtapError.from(thrown)));
      await sleeper.sleep();
      if (!isChanged) continue;
      await sleeper.sleepThrough(burstMs);
      isChanged = false;
      // Before the first plan, nothing depends on held devices.
      if (offered !== undefined && !signal.aborted) options.onHeld();
    }
  })();
  const collecting = (async () => {
    while (client !== undefined && !signal.aborted) {
      await pause(config['orphan-grace'], signal);
      if (signal.aborted) return;
      try {
        const claims = await collect(signal);
        if (claims.length > 0) onCollected(claims);
      } catch (thrown) {
        if (!signal.aborted) onTrouble(MacvtapError.from(thrown));
      }
      if (!signal.aborted) changed();
    }
  })();
  return {
    get allocation() {
      return choice.current;
    },
    get trouble() {
      return choice.trouble;
    },
    get isRegistered() {
      return isRegistered || choice.current !== 'DRA';
    },
    offer(resources) {
      offered = resources;
      sleeper.wake();
    },
    async [Symbol.asyncDispose]() {
      scope.abort(new MacvtapError('Aborted', 'the DRA driver stops'));
      clearTimeout(timer);
      await Promise.all([running, collecting]);
      await driver[Symbol.asyncDispose]();
      await slices?.[Symbol.asyncDispose]();
      await choice[Symbol.asyncDispose]();
    },
  };
}

/** How long the driver collects changes of claims. Pods often start together, and the node may have many devices. */
const burstMs = 100;

/**
 * Creates a function that adds the facts about each resource's parent. A resource that cannot be allocated for another
 * reason than a missing parent is left out. The function remembers since when a parent has had no carrier, and the last
 * facts of a parent.
 */
function createParentReader(findInterface: PrepareContext['findInterface']) {
  const lostSince = new Map<string, number>();
  const last = new Map<string, Omit<DraParent, 'isGone' | 'lostForMs'>>();
  return async (served: ServedByName): Promise<readonly DraResource[]> => {
    const resources = [...served.values()].flatMap(({ resource, fault }) =>
      resource === undefined || (fault !== undefined && fault !== 'NothingFound') ? [] : [resource],
    );
    const parents = new Set(resources.map(({ parent }) => parent));
    for (const kept of [lostSince, last]) for (const name of kept.keys()) if (!parents.has(name)) kept.delete(name);
    return await Promise.all(
      resources.map(async (resource) => {
        const { parent: name } = resource;
        const nic = findInterface(name);
        if (nic?.carrier) lostSince.delete(name);
        else lostSince.getOrInsert(name, performance.now());
        const since = lostSince.get(name);
        const lost = since === undefined ? {} : { lostForMs: performance.now() - since };
        if (nic !== undefined) last.set(name, { nic, ...(await readBusFacts(nic)) });
        return { resource, parent: { nic, ...last.get(name), ...(nic === undefined && { isGone: true }), ...lost } };
      }),
    );
  };
}
