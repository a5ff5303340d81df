// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../names.ts';
import type { Policy, PolicyEntry } from '../nodepolicy/read-policy.ts';
import { candidatesFromPolicy } from '../plan/from-policies.ts';
import { matchNode, type NodeFacts } from '../plan/match-labels.ts';
import { isLegalResourceName } from '../plan/resource.ts';
import { nameVlan } from '../plan/vlan.ts';
import type { DeclaredOffer } from './declared-sources.ts';
import { compareOffers, type Offer, offerKey } from './offers.ts';
import type { Exposure, NodeLinks } from './read-exposures.ts';

/**
 * A resource that a policy entry without a resource name declares on a node. The resource is named after the node's
 * interface. Like a resource with a name in the policy, it is offered even before the node exposes it.
 *
 * @example { resource: 'eth0', parent: 'eth0', source: 'policy', policy: 'macvtap-cni/p', mode: 'bridge',
 *   quantity: 100, altName: 'lan' }
 */
export interface DeclaredResource extends Exposure {
  readonly policy: string;
  /** The altname that the policy uses instead of the interface's name. */
  readonly altName?: string;
}

/**
 * Returns the resources that entries without a resource name find on a node. Returns none if the node has reported no
 * interfaces.
 */
export function findDeclaredResources(
  node: NodeFacts,
  links: NodeLinks,
  policies: readonly Policy[],
): readonly DeclaredResource[] {
  if (links.reported.length === 0) return [];
  return policies
    .filter((policy) => matchNode(node, policy.nodes))
    .flatMap((policy) => [...findByName(policy, links), ...findBySelector(policy, links)]);
}

/**
 * Returns the resources of entries that name an interface. Does not check whether the interface is suitable, just as
 * for entries with a resource name.
 */
function findByName({ id, entries }: Policy, links: NodeLinks): readonly DeclaredResource[] {
  return entries.flatMap((entry) => {
    if (entry.resourceName !== undefined || !('name' in entry.parent)) return [];
    const { name: written } = entry.parent;
    const link = links.find(written);
    if (link === undefined) return [];
    const { vlan } = entry;
    const nameOf = (name: string) => (vlan === undefined ? name : nameVlan(name, vlan));
    const resource = declare(id, entry, nameOf(link.name));
    return [link.name === written ? resource : { ...resource, altName: nameOf(written) }];
  });
}

/**
 * Returns the resources of entries with a selector. Conflicts are not resolved, because a policy that loses a conflict
 * still declares the resource.
 */
function findBySelector(policy: Policy, links: NodeLinks): readonly DeclaredResource[] {
  const selecting = new Map(
    policy.entries
      .filter(({ resourceName, parent }) => resourceName === undefined && 'matcher' in parent)
      .map((entry) => [entry.index, entry]),
  );
  if (selecting.size === 0) return [];
  const { candidates } = candidatesFromPolicy(policy, links.index());
  return candidates.flatMap(({ name, entry: index }) => {
    const entry = index === undefined ? undefined : selecting.get(index);
    return entry === undefined ? [] : [declare(policy.id, entry, name)];
  });
}

/** Thousands of nodes share one object for the same resource, since their interfaces often have the same names. */
const shared = new WeakMap<PolicyEntry, Map<string, DeclaredResource>>();

function declare(policy: string, entry: PolicyEntry, name: string): DeclaredResource {
  const { mode, quantity } = entry;
  const resource: DeclaredResource = { resource: name, source: 'policy', policy, mode, parent: name, quantity };
  return shared.getOrInsertComputed(entry, () => new Map()).getOrInsert(name, resource);
}

/** Counts the resources that entries without a resource name declare on nodes. */
export interface DeclaredTally {
  /** Adds the resources of one node, or removes them. */
  count(declared: readonly DeclaredResource[], by: 1 | -1): void;
  /** Returns the offers of a resource. Their number of nodes is 0, because no node exposes them yet. */
  offersOf(resource: string): readonly Offer[];
  /**
   * Returns whether an offer is still valid. An offer with an assumed name (see DeclaredOffer) becomes invalid when a
   * node reports that the name is an altname.
   */
  isInForce(offer: DeclaredOffer): boolean;
}

export function createDeclaredTally(): DeclaredTally {
  const tally = createExposureTally();
  /** The number of nodes with an interface that has an altname from a policy. The keys are `policy altname`. */
  const altNames = new Map<string, number>();
  return {
    count: (declared, by) => {
      tally.count(
        declared.filter(({ resource }) => isLegalResourceName(resource)),
        by,
      );
      for (const { policy, altName } of declared) {
        if (altName === undefined) continue;
        const key = `${policy} ${altName}`;
        countValue(altNames, key, by);
      }
    },
    offersOf: (resource) => tally.offersOf(resource, []).map((offer) => ({ ...offer, nodes: 0 })),
    isInForce: ({ isAssumed, policy, parents }) => !isAssumed || !altNames.has(`${policy} ${parents[0]}`),
  };
}

/** The number of times that each value occurs. Values with a count of 0 are removed. */
type Counts<Value> = Map<Value, number>;

/** The counted exposures of one offer. The exposures of one node can be removed without reading the other nodes. */
interface Group {
  readonly sample: Exposure;
  nodes: number;
  readonly parents: Counts<string>;
  readonly quantities: Counts<number>;
  readonly mtus: Counts<number>;
}

/** Counts the resources that nodes expose. */
export interface ExposureTally {
  /** Adds the exposures of one node, or removes them. */
  count(exposures: readonly Exposure[], by: 1 | -1): void;
  /** Returns the sorted offers of a resource: those that nodes expose, and those in `written` that no node exposes. */
  offersOf(resource: string, written: readonly Offer[]): readonly Offer[];
}

export function createExposureTally(): ExposureTally {
  const resources = new Map<string, Map<string, Group>>();
  return {
    count: (exposures, by) => {
      for (const exposure of exposures) {
        const groups = resources.getOrInsertComputed(exposure.resource, () => new Map());
        const key = offerKey(exposure);
        const group = groups.getOrInsertComputed(key, () => emptyGroup(exposure));
        countInto(group, exposure, by);
        if (group.nodes === 0) groups.delete(key);
        if (groups.size === 0) resources.delete(exposure.resource);
      }
    },
    offersOf: (resource, written) => {
      const groups: ReadonlyMap<string, Group> = resources.get(resource) ?? new Map();
      const unexposed = written.filter((offer) => !groups.has(offerKey(offer)));
      return [...[...groups.values()].map(toOffer), ...unexposed].sort(compareOffers);
    },
  };
}

function emptyGroup(sample: Exposure): Group {
  return { sample, nodes: 0, parents: new Map(), quantities: new Map(), mtus: new Map() };
}

function countInto(group: Group, { parent, quantity, mtu }: Exposure, by: 1 | -1): void {
  group.nodes += by;
  countValue(group.parents, parent, by);
  countValue(group.quantities, quantity, by);
  if (mtu !== undefined) countValue(group.mtus, mtu, by);
}

/** Adds to the count of a value, and removes the value if its count is 0. */
function countValue<Value>(counts: Counts<Value>, value: Value, by: 1 | -1): void {
  const count = (counts.get(value) ?? 0) + by;
  if (count === 0) counts.delete(value);
  else counts.set(value, count);
}

function toOffer({ sample, nodes, parents, quantities, mtus }: Group): Offer {
  const { resource, source, policy, mode } = sample;
  return {
    resource,
    source,
    ...(policy !== undefined && { policy }),
    mode,
    parents: [...parents.keys()].sort(compareNatural),
    quantity: mostOf(quantities.keys(), Math.max),
    nodes,
    ...(mtus.size > 0 && { mtu: mostOf(mtus.keys(), Math.min) }),
  };
}

/**
 * Returns the value that `choose` prefers. Compares two values at a time, because a call such as `Math.max(...values)`
 * fails if thousands of nodes have too many different values.
 */
function mostOf(values: MapIterator<number>, choose: (left: number, right: number) => number): number {
  return values.reduce((most, value) => choose(most, value));
}
