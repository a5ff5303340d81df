// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { type ClaimLookup, createClaimLookup } from '../../cluster/api/lookups.ts';
import { openResourceSlices } from '../../cluster/report/node-plugin/resource-slices.ts';
import type { LiveSource } from '../../cluster/source.ts';
import { parseDeviceID } from '../../policy/device/device-id.ts';
import { deviceIDOfDraDevice, draDriver } from '../../policy/device/dra-names.ts';
import { keyOfSlices, nextEvictionMs, planSlices } from '../../policy/plan/dra-devices.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createSleeper, pause } from '../../runtime/pause.ts';
import { isSandboxThere } from '../cni/attachments.ts';
import type { NodePluginConfig } from '../config.ts';
import { removeStaleSockets } from '../deviceplugin/plugin-sockets.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openMarker } from '../ledger/state-directory.ts';
import { createParentReader } from '../links/open-node-links.ts';
import type { HeldTracker } from '../reconcile/held-tracker.ts';
import { allocatableOf, type ServedByName } from '../reconcile/served-resource.ts';
import { createLeftoverCollector, openCDIDirectory } from './cdi-spec.ts';
import { type Allocation, chooseAllocation, mayUseDra } from './choose-allocation.ts';
import type { AnsweredClaim } from './driver-services.ts';
import { createLedgerLookup, type PrepareContext, prepareClaim, unprepareClaim } from './prepare-claim.ts';

export interface OpenDraOptions {
  readonly config: Pick<
    NodePluginConfig,
    'node-name' | 'allocation' | 'allocation-by-label' | 'cdi-dir' | 'kubelet-dir' | 'state-dir' | 'orphan-grace'
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
  /** By default more than the 30 s until kubelet deletes the slices of an ended driver (dra/manager.go). */
  readonly withdrawMs?: number;
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
 * A node that once served the driver serves it for ever, if need be without slices. Kubelet's own list of claims also
 * has those that were refused, or whose release it does not know. It survives a reboot, and without the driver, the
 * pods of these claims would never end.
 *
 * If the installation no longer allows DRA, claims that are still prepared can be prepared again and unprepared. This
 * needs no right on the API server. After the last one, the driver pauses for `withdrawMs`, and kubelet deletes the
 * slices.
 */
export async function openDra(options: OpenDraOptions): Promise<Dra> {
  const { config, source, ledger, held, onChange, onTrouble, onSlices, onCollected, withdrawMs = 120_000 } = options;
  const choice = chooseAllocation({ config, source, onChange: () => offered && onChange() });
  const { origin } = source;
  /** Undefined before the first plan. */
  let offered: ServedByName | undefined;
  const client = mayUseDra(config, source) && origin.kind === 'cluster' ? origin.client : undefined;
  const claimed = () =>
    ledger.entries().flatMap(([, { claim, attachment }]) => (claim === undefined ? [] : [{ claim, attachment }]));
  const marker = await openMarker(join(config['state-dir'], 'dra-driver-served'));
  const directories = [`plugins/${draDriver}`, 'plugins_registry'].map((name) => join(config['kubelet-dir'], name));
  await Promise.all(directories.map(removeStaleSockets));
  if (client === undefined && claimed().length === 0 && !marker.isSet) {
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
  const lookup = client && createClaimLookup(client);
  const context: PrepareContext = {
    ...options.context,
    ledger,
    findClaim: lookup
      ? ({ namespace, name }, signal) => lookup(namespace, name, signal)
      : createLedgerLookup(ledger, config['node-name']),
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
  const collectorOf = (findClaim: ClaimLookup) =>
    createLeftoverCollector({
      ...context,
      findClaim,
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
    directories,
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
  /** Since when this node neither uses DRA nor has a prepared claim. */
  let unusedSince: number | undefined;
  /** Serves or stops the driver. Returns for how long it stays stopped. Raises `FileNotWritten`. */
  const serve = async (isDra: boolean): Promise<number> => {
    const isUsed = isDra || claimed().length > 0;
    if (isUsed) await marker.set();
    unusedSince = isUsed ? undefined : (unusedSince ?? performance.now());
    // With its rights, the node plugin deletes the slices itself.
    const pauseMs = client || unusedSince === undefined ? 0 : unusedSince + withdrawMs - performance.now();
    driver.run(marker.isSet && pauseMs <= 0);
    return pauseMs;
  };
  const settle = async (): Promise<void> => {
    const isDra = choice.current === 'DRA';
    const resources = isDra && offered !== undefined ? await readParents(offerable(offered)) : [];
    const byPlugin = heldByPlugin();
    const key = keyOfSlices(resources, byPlugin);
    // Most calls change nothing, and a node may have thousands of devices.
    if (choice.current !== undefined && offered !== undefined && key !== plannedKey) {
      plannedKey = key;
      slices?.set(planSlices(resources, byPlugin));
    }
    const pauseMs = await serve(isDra);
    clearTimeout(timer);
    const ms = nextEvictionMs(resources) ?? (pauseMs > 0 ? pauseMs : undefined);
    if (ms !== undefined && !signal.aborted) timer = setTimeout(sleeper.wake, Math.min(ms + 1, 2 ** 31 - 1));
  };
  const running = (async () => {
    while (!signal.aborted) {
      const failed = await settle().then(() => undefined, MacvtapError.from);
      if (failed !== undefined) onTrouble(failed);
      await sleeper.sleep(failed && retryMs);
      if (!isChanged) continue;
      await sleeper.sleepThrough(burstMs);
      isChanged = false;
      // Before the first plan, nothing depends on held devices.
      if (offered !== undefined && !signal.aborted) options.onHeld();
    }
  })();
  const collecting = (async () => {
    const collect = lookup && collectorOf(lookup);
    while (collect !== undefined && !signal.aborted) {
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
const retryMs = 5_000;

/** Leaves out resources that cannot be allocated for another reason than a missing parent. */
function offerable(served: ServedByName): readonly PlannedResource[] {
  return [...served.values()].flatMap(({ resource, fault }) =>
    resource === undefined || (fault !== undefined && fault !== 'NothingFound') ? [] : [resource],
  );
}
