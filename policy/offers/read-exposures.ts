// SPDX-License-Identifier: Apache-2.0
import {
  macvtapNetworkNodeStateDefaults as defaults,
  type MacvtapNetworkNodeState,
} from '../api/macvtap-network-node-state.ts';
import type { PolicyEntry } from '../nodepolicy/read-policy.ts';
import type { ReportedInterface } from '../plan/interface-facts.ts';
import { matchNic } from '../plan/match-nic.ts';
import type { Mode } from '../plan/mode.ts';
import type { Offer } from './offers.ts';
import type { Links } from './read-links.ts';
import type { Writers } from './writers.ts';

type StatedResource = NonNullable<NonNullable<MacvtapNetworkNodeState['status']>['resources']>[number];
type ReportedResource = StatedResource & Required<Pick<StatedResource, 'parent' | 'mode'>> & Pick<Exposure, 'source'>;

/** That one node exposes a resource. */
export interface Exposure extends Pick<Offer, 'resource' | 'source' | 'policy' | 'mode' | 'quantity' | 'mtu'> {
  readonly parent: string;
}

/**
 * What a node's state says that the node exposes, as far as those who wrote it still stand by it: a resource whose
 * policy is gone, or no longer puts that resource on that parent, is left out, and one whose mode was edited has the
 * new one. A state can be old, and stays for good when the node's plugin is dead. What drains is left out too.
 */
export function readExposures(
  { status }: MacvtapNetworkNodeState,
  links: Links,
  writers: Writers,
): readonly Exposure[] {
  return (status?.resources ?? []).filter(isAskedFor).flatMap((resource) => {
    const link = links.reported.find(({ name }) => name === resource.parent);
    const mode = presentMode(resource, link, writers, links.index);
    return mode === undefined ? [] : [toExposure(resource, mode, link)];
  });
}

function isAskedFor(resource: StatedResource): resource is ReportedResource {
  const { source, parent, mode, code } = resource;
  return source !== 'none' && parent !== undefined && mode !== undefined && code !== 'Draining';
}

/** Undefined where nobody stands by it. `index` is dear, and asked only for policies that select interfaces. */
function presentMode(
  resource: ReportedResource,
  link: ReportedInterface | undefined,
  { policies, explicit }: Writers,
  index: Links['index'],
): Mode | undefined {
  if (resource.source === 'policy') {
    const entries = policies.get(resource.policy ?? '')?.entries ?? [];
    // Several entries may find the interface, and an earlier one pass it over, as passthru does the node's uplink: the
    // node knows by which it is. After an edit that one may mean something else.
    const own = entries.find(({ index: at }) => at === resource.entry);
    const asking = [...(own === undefined ? [] : [own]), ...entries];
    return asking.find((entry) => causes(entry, resource, link, index))?.mode;
  }
  if (resource.source !== 'explicit') return resource.mode;
  const entry = explicit.get(resource.name);
  return entry !== undefined && isNamed(entry.lowerDevice, resource, link) ? entry.mode : undefined;
}

/** Whether an entry puts this resource on this parent: both names fit, or what it selects by. */
function causes(
  { parent, resourceName }: PolicyEntry,
  resource: ReportedResource,
  link: ReportedInterface | undefined,
  index: Links['index'],
): boolean {
  if ((resourceName ?? resource.parent) !== resource.name) return false;
  if ('name' in parent) return isNamed(parent.name, resource, link);
  const nic = index().find(resource.parent);
  return nic !== undefined && matchNic(nic, index().numaNodesOf(nic), parent.matcher);
}

function isNamed(name: string, { parent }: ReportedResource, link: ReportedInterface | undefined): boolean {
  return name === parent || (link?.altNames?.includes(name) ?? false);
}

/** States share what they say alike, see share-node-state: one object stands for the exposures of all nodes that do. */
const exposures = new WeakMap<ReportedResource, Map<string, Exposure>>();

function toExposure(reported: ReportedResource, mode: Mode, link: ReportedInterface | undefined): Exposure {
  const { name, source, policy, parent, quantity } = reported;
  const mtu = link && (link.mtu ?? defaults['status.interfaces[].mtu']);
  return exposures
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
