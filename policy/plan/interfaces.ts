// SPDX-License-Identifier: Apache-2.0
import { type MacvtapNetworkNodeState, macvtapNetworkNodeStateDefaults } from '../api/macvtap-network-node-state.ts';
import { isLinkName } from '../device/device-id.ts';
import { compareNatural } from '../names.ts';

/** An interface in the status of a MacvtapNetworkNodeState. Fields with a default in the schema may be absent. */
export type ReportedInterface = NonNullable<NonNullable<MacvtapNetworkNodeState['status']>['interfaces']>[number];

/**
 * The facts about one link of the node. `checkSuitability` decides whether the link can be a parent.
 *
 * @example { name: 'bond1', kind: 'bond', ethernet: true, up: true, carrier: true, mtu: 1500, … }
 */
export type InterfaceFacts = ReportedInterface &
  Required<Pick<ReportedInterface, 'kind' | 'ethernet' | 'loopback' | 'up' | 'carrier' | 'mtu' | 'defaultRoute'>>;

const prefix = 'status.interfaces[].';

type Defaults = Pick<InterfaceFacts, 'kind' | 'ethernet' | 'loopback' | 'up' | 'carrier' | 'mtu' | 'defaultRoute'>;

const defaults = Object.fromEntries(
  Object.entries(macvtapNetworkNodeStateDefaults).map(([path, value]) => [path.slice(prefix.length), value]),
) as Defaults;

/** Fills in the schema's defaults, which the API server has not applied to every report. */
export function readInterface(reported: ReportedInterface): InterfaceFacts {
  return { ...defaults, ...reported };
}

/** A node's interfaces, indexed for one plan. */
export interface Interfaces {
  /**
   * The links that selectors and implicit exposure can choose from, in natural order of their names. Only macvtaps and
   * VLANs that this project created are missing. If `ens*` also matched the VLAN of another entry, the plan would
   * change as soon as that VLAN exists.
   */
  readonly selectable: readonly InterfaceFacts[];
  /** Finds a link by its name, or else by an altname. */
  find(name: string): InterfaceFacts | undefined;
  /** Returns the VLANs on top of an interface, in natural order of their names. */
  vlansOn(nic: InterfaceFacts): readonly InterfaceFacts[];
  /** Returns the link below a VLAN. */
  lowerOf(vlan: InterfaceFacts): InterfaceFacts | undefined;
  /** Returns the NUMA nodes of an interface, ascending. For a bond, they include the NUMA nodes of its members. */
  numaNodesOf(nic: InterfaceFacts): readonly number[];
  /**
   * Returns whether the interface carries the node's own traffic. It does if it has the default route or an address of
   * global scope. It also does if this is true of a link on top of the interface, such as a VLAN.
   */
  carriesNodeTraffic(nic: InterfaceFacts): boolean;
}

/**
 * Indexes the interfaces of a node, with one pass for each index and without recursion. A node's report is untrusted:
 * it may be long, and all its links may form a single chain.
 */
export function indexInterfaces(facts: readonly InterfaceFacts[]): Interfaces {
  const all = facts.toSorted((left, right) => compareNatural(left.name, right.name));
  const others = all.filter(({ kind, name }) => !(kind === 'macvtap' && isLinkName(name)));
  const selectable = others.filter(({ vlan }) => vlan?.managed !== true);
  const byName = new Map<string, InterfaceFacts>();
  const byAltName = new Map<string, InterfaceFacts>();
  for (const nic of all) {
    byName.getOrInsert(nic.name, nic);
    for (const name of nic.altNames ?? []) byAltName.getOrInsert(name, nic);
  }
  const members = Map.groupBy(all, ({ master }) => master?.name);
  const vlans = Map.groupBy(
    all.filter(({ kind, vlan }) => kind === 'vlan' && vlan !== undefined),
    ({ lowerIfindex }) => lowerIfindex,
  );
  const byIfindex = new Map(all.map((nic) => [nic.ifindex, nic]));
  const numaNodes = new Map<InterfaceFacts, readonly number[]>();
  let carrying: ReadonlySet<InterfaceFacts> | undefined;
  return {
    selectable,
    find: (name) => byName.get(name) ?? byAltName.get(name),
    vlansOn: ({ ifindex }) => (ifindex === undefined ? [] : (vlans.get(ifindex) ?? [])),
    lowerOf: ({ lowerIfindex }) => (lowerIfindex === undefined ? undefined : byIfindex.get(lowerIfindex)),
    numaNodesOf: (nic) => numaNodes.getOrInsertComputed(nic, () => numaNodesOf(nic, members.get(nic.name) ?? [])),
    carriesNodeTraffic: (nic) => {
      carrying ??= findCarrying(all, new Set(others));
      return carrying.has(nic);
    },
  };
}

const noNumaNodes: readonly number[] = [];

function numaNodesOf(nic: InterfaceFacts, members: readonly InterfaceFacts[]): readonly number[] {
  if (nic.kind !== 'bond') return nic.numaNode === undefined ? noNumaNodes : [nic.numaNode];
  const links = [nic, ...members];
  const nodes = links.flatMap(({ numaNode }) => (numaNode === undefined ? [] : [numaNode]));
  return [...new Set(nodes)].sort((left, right) => left - right);
}

/**
 * Returns the links that carry the node's own traffic: links with addresses or the default route, and every link below
 * them. Each ifindex is followed only once, so links that form a loop do not cause an endless search. The search does
 * not continue below macvtaps that this project created, because they carry the traffic of pods.
 */
function findCarrying(
  all: readonly InterfaceFacts[],
  others: ReadonlySet<InterfaceFacts>,
): ReadonlySet<InterfaceFacts> {
  const byIfindex = Map.groupBy(all, ({ ifindex }) => ifindex);
  const carrying = new Set(all.filter((nic) => nic.defaultRoute || (nic.addresses?.length ?? 0) > 0));
  const followed = new Set<number>();
  // A loop over a set also visits items added during the loop.
  for (const upper of carrying) {
    const { lowerIfindex } = upper;
    if (lowerIfindex === undefined || followed.has(lowerIfindex) || !others.has(upper)) continue;
    followed.add(lowerIfindex);
    for (const lower of byIfindex.get(lowerIfindex) ?? []) carrying.add(lower);
  }
  return carrying;
}
