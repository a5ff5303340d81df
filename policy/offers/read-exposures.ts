// SPDX-License-Identifier: Apache-2.0
import {
  macvtapNetworkNodeStateDefaults as defaults,
  type MacvtapNetworkNodeState,
} from '../api/macvtap-network-node-state.ts';
import type { PolicyEntry } from '../nodepolicy/read-policy.ts';
import { type Interfaces, indexInterfaces, type ReportedInterface, readInterface } from '../plan/interfaces.ts';
import { matchNic } from '../plan/match-nic.ts';
import type { Mode } from '../plan/resource.ts';
import { lowerInName, nameVlan } from '../plan/vlan.ts';
import type { DeclaredSources } from './declared-sources.ts';
import type { Offer } from './offers.ts';

type StatedResource = NonNullable<NonNullable<MacvtapNetworkNodeState['status']>['resources']>[number];
type ReportedResource = StatedResource & Required<Pick<StatedResource, 'parent' | 'mode'>> & Pick<Exposure, 'source'>;

/** A resource that one node exposes. */
export interface Exposure extends Pick<Offer, 'resource' | 'source' | 'policy' | 'mode' | 'quantity' | 'mtu'> {
  readonly parent: string;
}

/**
 * Returns the resources in a node's state that are not draining and that their sources still declare. The state remains
 * when the node plugin stops, so it may be older than an edit of a policy or of the explicit configuration. A resource
 * is omitted if its policy or entry was deleted, or no longer uses that parent. An edited mode replaces the reported
 * one.
 */
export function readExposures(
  { status }: MacvtapNetworkNodeState,
  links: NodeLinks,
  sources: DeclaredSources,
): readonly Exposure[] {
  return (status?.resources ?? []).filter(isInUse).flatMap((resource) => {
    const link = links.named(resource.parent);
    const mode = presentMode(resource, link, sources, links.index);
    return mode === undefined ? [] : [toExposure(resource, mode, link)];
  });
}

function isInUse(resource: StatedResource): resource is ReportedResource {
  const { source, parent, mode, code } = resource;
  return source !== 'none' && parent !== undefined && mode !== undefined && code !== 'Draining';
}

/**
 * Returns the current mode of a resource, or undefined if its policy or the explicit configuration no longer declares
 * it. For other sources, returns the reported mode. `index` is expensive, so it is called only for selectors and VLANs.
 */
function presentMode(
  resource: ReportedResource,
  link: ReportedInterface | undefined,
  { policies, explicit }: DeclaredSources,
  index: NodeLinks['index'],
): Mode | undefined {
  if (resource.source === 'policy') {
    const entries = policies.get(resource.policy ?? '')?.entries ?? [];
    // The entry in the node's report is tried first. An entry above it may match the interface and still not use it:
    // for example, an entry with mode passthru skips the node's uplink. After an edit, the reported entry may declare
    // something else, so the other entries are tried next.
    const reported = entries.find(({ index: at }) => at === resource.entry);
    const candidates = [...(reported === undefined ? [] : [reported]), ...entries];
    return candidates.find((entry) => causes(entry, resource, link, index))?.mode;
  }
  if (resource.source !== 'explicit') return resource.mode;
  const entry = explicit.get(resource.name);
  return entry !== undefined && isNamed(entry.lowerDevice, resource, link) ? entry.mode : undefined;
}

/** Returns whether an entry declares this resource on this parent, by name or by selector. */
function causes(
  entry: PolicyEntry,
  resource: ReportedResource,
  link: ReportedInterface | undefined,
  index: NodeLinks['index'],
): boolean {
  const { parent, resourceName, vlan } = entry;
  if (vlan !== undefined) return causesVlan(entry, vlan, resource, index());
  if ((resourceName ?? resource.parent) !== resource.name) return false;
  if ('name' in parent) return isNamed(parent.name, resource, link);
  const nic = index().find(resource.parent);
  return nic !== undefined && matchNic(nic, index().numaNodesOf(nic), parent.matcher);
}

/**
 * Returns whether an entry with `vlan` declares this resource on this parent. The entry names or selects the interface
 * below the VLAN. If the VLAN does not exist yet, that interface is found by the VLAN's name, such as `bond1.100`.
 */
function causesVlan(
  { parent, resourceName }: PolicyEntry,
  id: number,
  resource: ReportedResource,
  interfaces: Interfaces,
): boolean {
  const nic = interfaces.find(resource.parent);
  if (nic !== undefined && nic.vlan?.id !== id) return false;
  const lower = nic === undefined ? interfaces.find(lowerInName(resource.parent, id) ?? '') : interfaces.lowerOf(nic);
  if (lower === undefined || (resourceName ?? nameVlan(lower.name, id)) !== resource.name) return false;
  if ('name' in parent) return parent.name === lower.name || (lower.altNames?.includes(parent.name) ?? false);
  return matchNic(lower, interfaces.numaNodesOf(lower), parent.matcher);
}

function isNamed(name: string, { parent }: ReportedResource, link: ReportedInterface | undefined): boolean {
  return name === parent || (link?.altNames?.includes(name) ?? false);
}

/**
 * Nodes with equal reported resources share one exposure object, because their states share equal parts; see
 * share-node-state.
 */
const shared = new WeakMap<ReportedResource, Map<string, Exposure>>();

function toExposure(reported: ReportedResource, mode: Mode, link: ReportedInterface | undefined): Exposure {
  const { name, source, policy, parent, quantity } = reported;
  const mtu = link && (link.mtu ?? defaults['status.interfaces[].mtu']);
  return shared
    .getOrInsertComputed(reported, () => new Map())
    .getOrInsertComputed(`${mode} ${mtu}`, () => ({
      resource: name,
      source,
      ...(source === 'policy' && policy !== undefined && { policy }),
      mode,
      parent,
      quantity,
      ...(mtu !== undefined && { mtu }),
    }));
}

/** The interfaces that a node reports. Each index is built on first use. */
export interface NodeLinks {
  readonly reported: readonly ReportedInterface[];
  named(name: string): ReportedInterface | undefined;
  /** Finds an interface by name, or else by altname. */
  find(name: string): ReportedInterface | undefined;
  /** Returns the index that selectors need. */
  index(): Interfaces;
}

export function readNodeLinks({ status }: MacvtapNetworkNodeState): NodeLinks {
  const reported = status?.interfaces ?? [];
  let byName: ReadonlyMap<string, ReportedInterface> | undefined;
  let byAltName: ReadonlyMap<string, ReportedInterface> | undefined;
  let interfaces: Interfaces | undefined;
  const named = (name: string): ReportedInterface | undefined => {
    byName ??= firstBy(reported, (link) => [link.name]);
    return byName.get(name);
  };
  return {
    reported,
    named,
    find: (name) => {
      const own = named(name);
      if (own !== undefined) return own;
      byAltName ??= firstBy(reported, ({ altNames }) => altNames ?? []);
      return byAltName.get(name);
    },
    index: () => {
      interfaces ??= indexInterfaces(reported.map(readInterface));
      return interfaces;
    },
  };
}

function firstBy(
  links: readonly ReportedInterface[],
  namesOf: (link: ReportedInterface) => readonly string[],
): ReadonlyMap<string, ReportedInterface> {
  const first = new Map<string, ReportedInterface>();
  for (const link of links) for (const name of namesOf(link)) first.getOrInsert(name, link);
  return first;
}
