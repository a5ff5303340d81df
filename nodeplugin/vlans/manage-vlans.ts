// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { nameVlan } from '../../policy/plan/vlan.ts';
import { type ReasonCode, reasons } from '../../policy/reasons.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import { createBackOff, createSleeper, pause } from '../../runtime/pause.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Links } from '../links/links.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';
import type { PlanStore } from '../reconcile/follow-plan.ts';
import type { HeldTracker } from '../reconcile/held-tracker.ts';
import { decideVlans, type VlanDecision } from './decide-vlans.ts';

/**
 * A change of a VLAN, or a failed attempt. `adopted`: the plan's VLAN exists, but the node plugin does not manage it.
 */
export type VlanEvent =
  | { readonly kind: 'created' | 'adopted' | 'removed'; readonly name: string }
  | { readonly kind: 'failed'; readonly name: string; readonly error: MacvtapError };

interface VlanTrouble {
  readonly code: 'VlanUnsupported' | 'VlanFailed';
  readonly message: string;
}

/** Creates, changes and removes the node's VLANs according to the plan, until disposed. */
export interface VlanManager extends AsyncDisposable {
  /**
   * Creates the VLANs of the first plan. Resolves when the interface watch contains each of them or its creation has
   * failed, or else after `noticedMs`.
   */
  prepare(plan: NodePlan): Promise<void>;
  /** Must be called when the plan, the interfaces or the held devices may have changed. */
  look(): void;
  /** Returns why the VLAN with this name could not be created. Returns undefined if no attempt has failed. */
  faultOf(name: string): ReasonCode | undefined;
  /** Entries for the node's troubles, at most one for each code. */
  readonly troubles: readonly VlanTrouble[];
}

export interface VlanManagerOptions {
  readonly links: Pick<Links, 'createVlan' | 'finishVlan' | 'setLink' | 'deleteLink' | 'readInterfaces'>;
  readonly interfaces: Pick<InterfaceWatch, 'current' | 'onChange'>;
  readonly plan: Pick<PlanStore, 'current'>;
  readonly held: Pick<HeldTracker, 'current' | 'releasedDevices'>;
  readonly ledger: Pick<Ledger, 'entries'>;
  /** Returns false until kubelet has listed the devices of pods. Until then, no VLAN is removed. */
  readonly isHeldKnown: () => boolean;
  /** How long a VLAN must be unused before it is removed. If its policy is recreated in this time, the VLAN stays. */
  readonly graceMs: number;
  /** How long the node plugin waits before it recreates a VLAN that disappeared. */
  readonly yieldMs?: number;
  readonly onEvent: (event: VlanEvent) => void;
  /** Called when `faultOf` or `troubles` have changed. */
  readonly onChange: () => void;
}

/**
 * The default of `yieldMs`. Administrators and tools such as ifupdown delete a VLAN and then create it again. If the
 * node plugin created the VLAN first, their creation would fail.
 */
const defaultYieldMs = 3_000;

/** The delays are short, because a user who loads the missing module waits for the VLAN. */
const retryMs = createBackOff({ firstMs: 500, longestMs: 10_000 });

/** The maximum time that `prepare` waits for the interface watch to contain the new VLANs. */
const noticedMs = 2_000;

interface Failure {
  readonly error: MacvtapError;
  readonly count: number;
  readonly nextMs: number;
}

/** Starts to manage VLANs. Does nothing before the first plan. */
export function manageVlans(options: VlanManagerOptions): VlanManager {
  const { links, interfaces, plan, isHeldKnown, graceMs, yieldMs = defaultYieldMs, onEvent, onChange } = options;
  const scope = new AbortController();
  const sleeper = createSleeper(scope.signal);
  const now = () => performance.now();
  /** The failed attempts, by the name of a VLAN to create or finish, or by the index of a VLAN to change or remove. */
  const failures = new Map<string | number, Failure>();
  const unusedSince = new Map<number, number>();
  let before: VlanDecision['present'] = new Map();
  /** The times at which VLANs disappeared, by full name, because an administrator's VLAN may have another name. */
  const goneSince = new Map<string, number>();

  const attempt = async (key: string | number, name: string, run: () => Promise<void>): Promise<boolean> => {
    const failure = failures.get(key);
    if (failure !== undefined && now() < failure.nextMs) return false;
    try {
      await run();
      if (failures.delete(key)) onChange();
      return true;
    } catch (thrown) {
      const error = MacvtapError.from(thrown);
      if (error.code === 'Aborted') return false;
      const count = (failure?.count ?? 0) + 1;
      failures.set(key, { error, count, nextMs: now() + retryMs(count) });
      if (failure?.error.message !== error.message) {
        onEvent({ kind: 'failed', name, error });
        onChange();
      }
      return false;
    }
  };

  const create = async (planned: NodePlan, parent: string): Promise<void> => {
    await attempt(parent, parent, async () => {
      // The links are read again. The watch may not contain a VLAN yet that the last pass or an administrator created.
      const latest = await links.readInterfaces(scope.signal);
      const missing = decide(planned, latest, options).create.find((vlan) => vlan.parent === parent);
      if (missing === undefined) return;
      await links.createVlan(missing, scope.signal);
      onEvent({ kind: 'created', name: parent });
    });
  };

  const remove = async (name: string, ifindex: number): Promise<void> => {
    // All links are read again, because the watch leaves out macvtaps, and a pod may have got a device in the meantime.
    const all = await links.readInterfaces(scope.signal);
    const latest = plan.current;
    if (latest === undefined || !decide(latest.plan, all, options).unused.some((nic) => nic.ifindex === ifindex))
      return;
    await links.deleteLink(ifindex, scope.signal);
    faultPoint('vlan-removed');
    onEvent({ kind: 'removed', name });
  };

  const pass = async (planned: NodePlan, mayRemove: boolean): Promise<void> => {
    const decision = decide(planned, interfaces.current, options);
    note(decision);
    for (const vlan of decision.create) {
      const since = goneSince.get(nameVlan(vlan.lower, vlan.id));
      if (since === undefined || now() - since >= yieldMs) await create(planned, vlan.parent);
    }
    for (const { parent, ...vlan } of decision.finish) {
      await attempt(parent, parent, () => links.finishVlan(vlan, scope.signal));
    }
    for (const change of decision.change) {
      await attempt(change.ifindex, change.name, () => links.setLink(change, scope.signal));
    }
    for (const { name, ifindex } of decision.unused) {
      const since = unusedSince.getOrInsert(ifindex, now());
      if (mayRemove && now() - since >= graceMs) await attempt(ifindex, name, () => remove(name, ifindex));
    }
  };

  /** Compares a decision with the previous decision. Removes failures and times that no longer apply. */
  const note = ({ create: missing, finish, change, unused, present }: VlanDecision): void => {
    for (const [full, { name, managed }] of present) {
      if (!managed && before.get(full)?.managed !== false) onEvent({ kind: 'adopted', name });
    }
    const absent = new Set(missing.map(({ lower, id }) => nameVlan(lower, id)));
    for (const full of absent) if (before.has(full)) goneSince.set(full, now());
    for (const full of goneSince.keys()) if (!absent.has(full)) goneSince.delete(full);
    before = present;
    const names = new Set([...missing, ...finish].map(({ parent }) => parent));
    const indexes = new Set([...change, ...unused].map(({ ifindex }) => ifindex));
    const concerned: ReadonlySet<string | number> = new Set<string | number>([...names, ...indexes]);
    const isOver = [...failures.keys()].filter((key) => !concerned.has(key) && failures.delete(key)).length > 0;
    for (const ifindex of unusedSince.keys())
      if (!unused.some((nic) => nic.ifindex === ifindex)) unusedSince.delete(ifindex);
    if (isOver) onChange();
  };

  /** Returns the time until the next pass is due. Returns undefined if nothing is due. */
  const nextMs = (): number | undefined => {
    const due = [
      ...[...failures.values()].map((failure) => failure.nextMs),
      ...[...goneSince.values()].map((since) => since + yieldMs),
      // A VLAN that must stay after the grace period is checked again every second. For example, kubelet may not have
      // listed the devices of pods yet.
      ...[...unusedSince.values()].map((since) => Math.max(since + graceMs, now() + 1_000)),
    ];
    return due.length === 0 ? undefined : Math.max(10, Math.min(...due) - now());
  };

  const follow = async (): Promise<void> => {
    while (!scope.signal.aborted) {
      await sleeper.sleep(nextMs());
      const latest = plan.current;
      if (latest === undefined || scope.signal.aborted) continue;
      // `attempt` handles expected failures. Any other error is a bug, which must not end the node plugin.
      await pass(latest.plan, latest.isInForce && isHeldKnown()).catch((thrown: unknown) =>
        onEvent({ kind: 'failed', name: '*', error: MacvtapError.from(thrown) }),
      );
    }
  };
  let following: Promise<void> | undefined;
  return {
    async prepare(first) {
      await pass(first, false);
      const wanted = first.resources.flatMap(({ vlan, parent }) => (vlan === undefined ? [] : [parent]));
      const isNoticed = () =>
        wanted.every((name) => failures.has(name) || interfaces.current.some((nic) => nic.name === name));
      const { promise, resolve } = Promise.withResolvers<void>();
      using _noticed = interfaces.onChange(() => isNoticed() && resolve());
      if (!isNoticed()) await Promise.race([promise, pause(noticedMs, scope.signal, { ref: false })]);
    },
    look() {
      following ??= follow();
      sleeper.wake();
    },
    faultOf: (name) => {
      const failure = failures.get(name);
      return failure && codeOf(failure.error);
    },
    get troubles() {
      // Failures with a name as the key are those of creations. Failed changes and removals appear only in the log.
      const missing = [...failures].filter(([key]) => typeof key === 'string');
      return describeTroubles(missing.map(([, { error }]) => error));
    },
    async [Symbol.asyncDispose]() {
      scope.abort(new MacvtapError('Aborted', 'the node plugin no longer manages VLANs'));
      await following;
    },
  };
}

function decide(
  { resources }: NodePlan,
  interfaces: readonly InterfaceFacts[],
  { held, ledger }: Pick<VlanManagerOptions, 'held' | 'ledger'>,
): VlanDecision {
  const devices = [
    ...held.current(),
    ...held.releasedDevices(),
    // The ledger contains a device until its link is gone, even if kubelet has released the device.
    ...ledger.entries().map(([, record]) => record),
  ];
  const inUse = new Set(devices.flatMap(({ parent, parentIfindex }) => [parent ?? '', parentIfindex ?? '']));
  return decideVlans({ interfaces, resources, inUse });
}

function codeOf({ code }: MacvtapError): VlanTrouble['code'] {
  return code === 'VlanUnsupported' ? 'VlanUnsupported' : 'VlanFailed';
}

function describeTroubles(errors: readonly MacvtapError[]): readonly VlanTrouble[] {
  const byCode = Map.groupBy(errors, codeOf);
  return [...byCode].map(([code, its]) => {
    const causes = [...new Set(its.map(({ message }) => message))].sort();
    return { code, message: code === 'VlanUnsupported' ? reasons[code] : causes.join('; ') };
  });
}
