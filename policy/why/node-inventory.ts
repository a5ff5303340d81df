// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { compareNatural } from '../names.ts';
import { checkSuitability } from '../plan/candidate.ts';
import { type InterfaceFacts, type Interfaces, indexInterfaces, readInterface } from '../plan/interfaces.ts';
import type { NodeSummary, WhyFacts } from './why-facts.ts';

type Reported = NonNullable<NonNullable<MacvtapNetworkNodeState['status']>['resources']>[number];

/** A resource that a source declares. Draining resources are not included. */
export type WantedResource = Reported & Required<Pick<Reported, 'parent' | 'mode'>>;

/** The resources of one report. They are read only once, because rules need them for every node and finding. */
interface ReadResources {
  readonly wanted: readonly WantedResource[];
  readonly wantedByName: ReadonlyMap<string, WantedResource>;
  /** The policy and the name of each wanted resource, joined by a space. */
  readonly served: ReadonlySet<string>;
  readonly draining: readonly Reported[];
  readonly drainingNames: ReadonlySet<string>;
}

const readings = new WeakMap<MacvtapNetworkNodeState, ReadResources>();

function readingOf({ nodeStates }: WhyFacts, node: string): ReadResources {
  const state = nodeStates.get(node);
  return state === undefined
    ? readResources([])
    : readings.getOrInsertComputed(state, () => readResources(state.status?.resources ?? []));
}

function readResources(resources: readonly Reported[]): ReadResources {
  const wanted = resources.filter(isWanted);
  const draining = resources.filter(({ code }) => code === 'Draining');
  return {
    wanted,
    wantedByName: new Map(wanted.map((resource) => [resource.name, resource])),
    served: new Set(wanted.map(({ policy, name }) => `${policy} ${name}`)),
    draining,
    drainingNames: new Set(draining.map(({ name }) => name)),
  };
}

/** Returns a resource as the node's state reports it. */
export function reportedOn(facts: WhyFacts, node: string, resource: string): WantedResource | undefined {
  return readingOf(facts, node).wantedByName.get(resource);
}

export function resourcesOn(facts: WhyFacts, node: string): readonly WantedResource[] {
  return readingOf(facts, node).wanted;
}

/** Returns whether a node's state contains the resource with this policy as its source. */
export function isServedOn(facts: WhyFacts, node: string, resource: string | undefined, policy: string): boolean {
  return resource !== undefined && readingOf(facts, node).served.has(`${policy} ${resource}`);
}

/** Returns the draining resources of a node. They remain for the pods that hold devices, and accept no new pods. */
export function drainingOn(facts: WhyFacts, node: string): readonly Reported[] {
  return readingOf(facts, node).draining;
}

/** Returns whether kubelet can allocate a device of the resource on the node, if one is free. */
export function isOffered(facts: WhyFacts, { name, allocatable }: NodeSummary, resource: string): boolean {
  if ((allocatable.get(resource) ?? 0) === 0) return false;
  if (readingOf(facts, name).drainingNames.has(resource)) return false;
  return reportedOn(facts, name, resource)?.health !== 'Unhealthy';
}

function isWanted(reported: Reported): reported is WantedResource {
  return reported.code !== 'Draining' && reported.parent !== undefined && reported.mode !== undefined;
}

/**
 * Returns the pods that hold devices of a resource on the nodes, as `namespace/name`. Returns none if pods were not
 * read.
 */
export function holdersOf(resource: string, nodes: readonly string[], { holders }: WhyFacts): readonly string[] {
  return nodes
    .flatMap((node) => holders.get(node) ?? [])
    .filter(({ devices }) => devices.has(resource))
    .map(({ pod }) => pod);
}

const sharing = { resourceName: 'any', mode: 'bridge', allowHostInterface: false } as const;

/** Returns the names of the interfaces that can be parents on at least one of the nodes, in natural order. */
export const suitableOn = rememberNames((nodes, facts) => {
  const sets = namesOn(nodes, facts, (nic, interfaces) => checkSuitability(nic, sharing, interfaces) === undefined);
  return [...new Set(sets.flatMap((names) => [...names]))].sort(compareNatural);
});

/**
 * Returns the same names as `suitableOn`, but without interfaces that carry the node's own traffic. A fix must not
 * suggest those.
 */
export function withoutNodeTraffic(nodes: readonly string[], facts: WhyFacts): readonly string[] {
  const sets = namesOn(
    nodes,
    facts,
    (nic, interfaces) =>
      checkSuitability(nic, sharing, interfaces) === undefined && !interfaces.carriesNodeTraffic(nic),
  );
  return [...new Set(sets.flatMap((names) => [...names]))].sort(compareNatural);
}

/**
 * Returns the interfaces that are free and can be parents on all of the nodes. An interface is free if no resource uses
 * it and it does not carry the node's own traffic.
 */
export const freeOn = rememberNames((nodes, facts) => {
  const taken = new Set(
    nodes.flatMap((node) => (facts.nodeStates.get(node)?.status?.resources ?? []).map(({ parent }) => parent)),
  );
  const isFree = (nic: InterfaceFacts, interfaces: Interfaces) =>
    checkSuitability(nic, sharing, interfaces) === undefined &&
    !interfaces.carriesNodeTraffic(nic) &&
    !taken.has(nic.name);
  const [first = new Set<string>(), ...others] = namesOn(nodes, facts, isFree);
  return [...first].filter((name) => others.every((names) => names.has(name))).sort(compareNatural);
});

type FindNames = (nodes: readonly string[], facts: WhyFacts) => readonly string[];

/** Caches the names by nodes, because a node may have thousands of findings and each needs the names. */
function rememberNames(find: FindNames): FindNames {
  const known = new WeakMap<WhyFacts, Map<string, readonly string[]>>();
  return (nodes, facts) =>
    known.getOrInsertComputed(facts, () => new Map()).getOrInsertComputed(nodes.join(' '), () => find(nodes, facts));
}

function namesOn(
  nodes: readonly string[],
  { nodeStates }: WhyFacts,
  accepts: (nic: InterfaceFacts, interfaces: Interfaces) => boolean,
): readonly ReadonlySet<string>[] {
  return nodes.map((node) => {
    const facts = (nodeStates.get(node)?.status?.interfaces ?? []).map(readInterface);
    const interfaces = indexInterfaces(facts);
    return new Set(facts.filter((nic) => accepts(nic, interfaces)).map(({ name }) => name));
  });
}
