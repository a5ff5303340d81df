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
import { decideVlans, type MissingVlan, type VlanDecision } from './decide-vlans.ts';

/** A change of a VLAN, or a failed attempt. */
export type VlanEvent =
  | { readonly kind: 'created' | 'adopted' | 'removed'; readonly name: string }
  | { readonly kind: 'failed'; readonly name: string; readonly error: MacvtapError };

interface VlanTrouble {
  readonly code: 'VlanUnsupported' | 'VlanFailed';
  readonly message: string;
}

/** Keeps the node's VLANs as the plan asks for them, until disposed. */
export interface VlanKeeper extends AsyncDisposable {
  /** Creates the VLANs of the first plan. Resolves when they are among the interfaces, or could not be created. */
  prepare(plan: NodePlan): Promise<void>;
  /** Call it when the plan, the interfaces or the held devices may have changed. */
  look(): void;
  /** Returns why the VLAN of that name could not be created. */
  faultOf(name: string): ReasonCode | undefined;
  /** The troubles of the node, at most one for each code. */
  readonly troubles: readonly VlanTrouble[];
}

export interface VlanKeeperOptions {
  readonly links: Pick<Links, 'createVlan' | 'finishVlan' | 'setLink' | 'deleteLink' | 'readInterfaces'>;
  readonly interfaces: Pick<InterfaceWatch, 'current' | 'onChange'>;
  readonly plan: Pick<PlanStore, 'current'>;
  readonly held: Pick<HeldTracker, 'current' | 'releasedDevices'>;
  readonly ledger: Pick<Ledger, 'entries'>;
  /** Returns false while kubelet has not listed the devices of pods. No VLAN is removed then. */
  readonly isHeldKnown: () => boolean;
  /** How long a VLAN must be unused before it is removed. A policy that is deleted and created again keeps its VLAN. */
  readonly graceMs: number;
  /** How long a VLAN that disappeared is left to the administrator. */
  readonly yieldMs?: number;
  readonly onEvent: (event: VlanEvent) => void;
  /** Called when `faultOf` or `troubles` have changed. */
  readonly onChange: () => void;
}

/**
 * How long the node plugin waits before it creates a VLAN that it saw disappear. An administrator, or a tool such as
 * ifupdown, deletes a VLAN to create it again. If the node plugin were faster, that creation would fail.
 */
const defaultYieldMs = 3_000;

/** While a VLAN cannot be created, the user who loads a module waits for the effect. */
const retryMs = createBackOff({ firstMs: 500, longestMs: 10_000 });

/** How long `prepare` waits until the interface watch has noticed the new VLANs. */
const noticedMs = 2_000;

interface Failure {
  readonly error: MacvtapError;
  readonly count: number;
  readonly nextMs: number;
}

/** Starts to keep VLANs. Does nothing before the first plan. */
export function keepVlans(options: VlanKeeperOptions): VlanKeeper {
  const { links, interfaces, plan, isHeldKnown, graceMs, yieldMs = defaultYieldMs, onEvent, onChange } = options;
  const scope = new AbortController();
  const sleeper = createSleeper(scope.signal);
  const now = () => performance.now();
  /** By the name of the VLAN to create, or by the index of the VLAN to change. */
  const failures = new Map<string | number, Failure>();
  const unusedSince = new Map<number, number>();
  let before: VlanDecision['present'] = new Map();
  /** When the node plugin saw a VLAN disappear, by full name. An administrator's VLAN may have had another name. */
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

  const create = async (vlan: MissingVlan): Promise<void> => {
    const { parent, ...request } = vlan;
    if (await attempt(parent, parent, () => links.createVlan(request, scope.signal)))
      onEvent({ kind: 'created', name: parent });
  };

  const remove = async (name: string, ifindex: number): Promise<void> => {
    // The watch leaves out the macvtaps of devices, and a pod may have got a device in the meantime.
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
      if (since === undefined || now() - since >= yieldMs) await create(vlan);
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

  /** Compares a decision with the previous one, and forgets what no longer concerns it. */
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

  /** Returns how long to wait for the next pass: until something is due, or undefined if nothing waits. */
  const nextMs = (): number | undefined => {
    const due = [
      ...[...failures.values()].map((failure) => failure.nextMs),
      ...[...goneSince.values()].map((since) => since + yieldMs),
      // A VLAN may stay unused for another reason, for example because kubelet has not answered yet.
      ...[...unusedSince.values()].map((since) => Math.max(since + graceMs, now() + 1_000)),
    ];
    return due.length === 0 ? undefined : Math.max(10, Math.min(...due) - now());
  };

  const follow = async (): Promise<void> => {
    while (!scope.signal.aborted) {
      await sleeper.sleep(nextMs());
      const latest = plan.current;
      if (latest === undefined || scope.signal.aborted) continue;
      // A failed step is tried again by itself. Anything else is a bug, and must not end the other duties of the node.
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
      // A VLAN that exists and could not be changed may be gone by now. The error is in the log, and not here.
      const missing = [...failures].filter(([key]) => typeof key === 'string');
      return describeTroubles(missing.map(([, { error }]) => error));
    },
    async [Symbol.asyncDispose]() {
      scope.abort(new MacvtapError('Aborted', 'the VLANs are no longer kept'));
      await following;
    },
  };
}

function decide(
  { resources }: NodePlan,
  interfaces: readonly InterfaceFacts[],
  { held, ledger }: Pick<VlanKeeperOptions, 'held' | 'ledger'>,
): VlanDecision {
  const devices = [
    ...held.current(),
    ...held.releasedDevices(),
    // The ledger keeps a device until its link is gone, also if kubelet has released it.
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
