// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../names.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ExplicitConfig, ExplicitEntry } from '../plan/from-explicit.ts';
import { isLegalResourceName, type Mode, maxQuantity } from '../plan/resource.ts';
import { namedParent } from '../plan/vlan.ts';
import type { Offer } from './offers.ts';
import type { Governing } from './policies-governing.ts';

/** An entry of the explicit configuration that can become a resource. */
type UsableEntry = ExplicitEntry & { readonly mode: Mode };

/** The valid sources that declare resources: policies and the explicit configuration. */
export interface DeclaredSources {
  /** Valid policies by `namespace/name`. Invalid policies expose nothing and are omitted. */
  readonly policies: ReadonlyMap<string, Policy>;
  /**
   * The policies that have an entry without a resource name. The name of such an entry's resource depends on the node.
   */
  readonly unnamed: readonly Policy[];
  /** The entries by resource name. */
  readonly explicit: ReadonlyMap<string, UsableEntry>;
}

export function readDeclaredSources(
  policies: readonly Policy[],
  explicit: ExplicitConfig | undefined,
): DeclaredSources {
  const counting = policies.filter(({ faults }) => faults.length === 0);
  const byID = new Map(counting.map((policy) => [policy.id, policy]));
  return {
    policies: byID,
    unnamed: [...byID.values()].filter(hasUnnamedEntries),
    explicit: readEntries(explicit),
  };
}

function hasUnnamedEntries({ entries }: Policy): boolean {
  return entries.some(({ resourceName }) => resourceName === undefined);
}

/**
 * Returns the usable entries by name. If a name is repeated, only its last entry counts, even if that entry is
 * unusable.
 */
function readEntries(explicit: ExplicitConfig | undefined): ReadonlyMap<string, UsableEntry> {
  if (explicit === undefined || 'fault' in explicit) return new Map();
  const last = new Map(explicit.entries.map((entry) => [entry.name, entry]));
  const usable = [...last.values()].filter(isUsable);
  return new Map(usable.map((entry) => [entry.name, entry]));
}

function isUsable(entry: ExplicitEntry): entry is UsableEntry {
  return entry.mode !== undefined && isLegalResourceName(entry.name);
}

/** The offer of one entry, before any node exposes it. */
export interface DeclaredOffer extends Offer {
  /**
   * True if the entry has no resource name, so that the name of its interface is used. On a node, that name may turn
   * out to be an altname. The resource then has the interface's real name.
   */
  readonly isAssumed: boolean;
}

/**
 * Returns the offers that policies and the explicit configuration declare, grouped by resource, one for each entry.
 * Entries with a `nicSelector` and no resource name are omitted; see declared-resources.ts.
 */
export function declaredOffers({ policies, explicit }: DeclaredSources): ReadonlyMap<string, readonly DeclaredOffer[]> {
  const offers = [...[...policies.values()].flatMap(offersOfPolicy), ...[...explicit.values()].map(offerOfEntry)];
  return Map.groupBy(offers, ({ resource }) => resource);
}

function offersOfPolicy(policy: Policy): readonly DeclaredOffer[] {
  return policy.entries.flatMap((entry) => {
    const { resourceName, mode, quantity } = entry;
    const named = namedParent(entry);
    const parents = named === undefined ? [] : [named];
    const resource = resourceName ?? parents[0];
    if (resource === undefined || !isLegalResourceName(resource)) return [];
    const isAssumed = resourceName === undefined;
    return [{ resource, source: 'policy', policy: policy.id, mode, parents, quantity, nodes: 0, isAssumed } as const];
  });
}

/** Returns the offer of an entry. Limits the quantity as nodes do; see from-explicit.ts. */
function offerOfEntry({ name, lowerDevice, mode, quantity }: UsableEntry): DeclaredOffer {
  const limit = mode === 'passthru' ? 1 : maxQuantity;
  const devices = Math.min(quantity, limit);
  const parents = [lowerDevice];
  return { resource: name, source: 'explicit', mode, parents, quantity: devices, nodes: 0, isAssumed: false };
}

/**
 * Decides which resources have a DeviceClass: those that policies or the explicit configuration name, and any other
 * resource that a glob in a policy matches. A name that Kubernetes does not accept has none.
 */
export function decideClassed(governing: Pick<Governing, 'names' | 'of'>, explicit: ExplicitConfig | undefined) {
  const named = new Set([...governing.names, ...readEntries(explicit).keys()]);
  return {
    /** The resources that are named, sorted. */
    named: [...named].filter(isLegalResourceName).sort(compareNatural),
    /** Returns whether only a glob gives the resource its class. */
    isMatched: (resource: string): boolean =>
      !named.has(resource) && isLegalResourceName(resource) && governing.of(resource).length > 0,
  };
}
