// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { isShortVlanName, nameVlan, vlanLinkNames } from '../../policy/plan/vlan.ts';
import type { LinkChange, UnfinishedVlan, VlanRequest } from '../links/vlan-link.ts';

/** The facts that decide about VLANs. */
export interface VlanFacts {
  readonly interfaces: readonly InterfaceFacts[];
  /** The resources of the plan. */
  readonly resources: readonly PlannedResource[];
  /** The names and indexes of links that devices of pods use or may use. */
  readonly inUse: ReadonlySet<string | number>;
}

/** A VLAN that the plan asks for and the node does not have. */
export interface MissingVlan extends VlanRequest {
  /** The name that the plan has for it. */
  readonly parent: string;
}

export interface VlanDecision {
  readonly create: readonly MissingVlan[];
  /** VLANs whose creation was interrupted. */
  readonly finish: readonly (UnfinishedVlan & Pick<MissingVlan, 'parent'>)[];
  readonly change: readonly LinkChange[];
  /** VLANs that the node plugin created, and that neither the plan, a pod nor the node uses. */
  readonly unused: readonly { readonly name: string; readonly ifindex: number }[];
  /** The VLANs of the plan that the node has, by their full name, such as `bond1.100`. */
  readonly present: ReadonlyMap<string, { readonly name: string; readonly managed: boolean }>;
}

/**
 * Decides what to do with the node's VLANs. The result depends only on the links and the plan, not on earlier
 * decisions. So it is also right after the node plugin was killed, or after an administrator changed something.
 *
 * - A VLAN of the plan that the node lacks is created, if the interface below it exists.
 * - A VLAN that the node plugin created follows the MTU and the state of the interface below it. The kernel lowers the
 *   MTU of a VLAN together with that of its lower link, but does not raise it (vlan_device_event, net/8021q/vlan.c).
 * - It is unused if no resource and no device of a pod needs it. It stays while something else on the node uses it: it
 *   has an address or a route, belongs to a bridge, or another link is on top of it.
 * - A VLAN that an administrator made is never changed.
 */
export function decideVlans({ interfaces, resources, inUse }: VlanFacts): VlanDecision {
  const byName = new Map(interfaces.map((nic) => [nic.name, nic]));
  const byIfindex = new Map(interfaces.map((nic) => [nic.ifindex, nic]));
  const lowers = new Set(interfaces.map(({ lowerIfindex }) => lowerIfindex));
  const parents = new Set(resources.map(({ parent }) => parent));
  const own = interfaces.filter(isManaged);
  const wanted = [...new Map(resources.filter(hasVlan).map((resource) => [resource.parent, resource])).values()];
  const present = new Map<string, { name: string; managed: boolean }>();
  const create: MissingVlan[] = [];
  const finish: VlanDecision['finish'][number][] = [];
  const handled = new Set<number>();
  for (const { parent, vlan } of wanted) {
    const lower = byName.get(vlan.lower);
    const there = byName.get(parent);
    const unfinished = own.find((nic) => isUnfinished(nic, vlan, lower));
    if (lower?.ifindex === undefined) continue;
    if (unfinished !== undefined) {
      finish.push({ parent, ifindex: unfinished.ifindex, ...vlan, isUp: unfinished.up, up: lower.up });
      handled.add(unfinished.ifindex);
    } else if (there === undefined) {
      create.push({ parent, ...vlan, lowerIfindex: lower.ifindex, up: lower.up });
    } else {
      present.set(nameVlan(vlan.lower, vlan.id), { name: parent, managed: there.vlan?.managed === true });
    }
  }
  const kept = own.filter(({ ifindex }) => !handled.has(ifindex));
  const isUnused = (nic: InterfaceFacts & { readonly ifindex: number }) =>
    !parents.has(nic.name) &&
    !inUse.has(nic.name) &&
    !inUse.has(nic.ifindex) &&
    !lowers.has(nic.ifindex) &&
    nic.master === undefined &&
    !nic.defaultRoute &&
    (nic.addresses?.length ?? 0) === 0;
  return {
    create,
    finish,
    change: kept.flatMap((nic) => toChange(nic, byIfindex.get(nic.lowerIfindex))),
    unused: kept.filter(isUnused).map(({ name, ifindex }) => ({ name, ifindex })),
    present,
  };
}

type OwnVlan = InterfaceFacts & { readonly ifindex: number };

function isManaged(nic: InterfaceFacts): nic is OwnVlan {
  return nic.vlan?.managed === true && nic.ifindex !== undefined;
}

function hasVlan(resource: PlannedResource): resource is PlannedResource & Required<Pick<PlannedResource, 'vlan'>> {
  return resource.vlan !== undefined;
}

/** Returns whether a link is the VLAN of a resource, created by the node plugin and not yet named. */
function isUnfinished(
  nic: InterfaceFacts,
  { lower: name, id }: NonNullable<PlannedResource['vlan']>,
  lower: InterfaceFacts | undefined,
): boolean {
  if (!isShortVlanName(nic.name) || nic.vlan?.id !== id || nic.lowerIfindex !== lower?.ifindex) return false;
  const { altName } = vlanLinkNames(name, id);
  return altName === undefined || !(nic.altNames ?? []).includes(altName);
}

function toChange(nic: OwnVlan, lower: InterfaceFacts | undefined): readonly LinkChange[] {
  if (lower === undefined) return [];
  const mtu = nic.mtu === lower.mtu ? {} : { mtu: lower.mtu };
  // The kernel sets a VLAN down together with its lower link.
  const up = lower.up && !nic.up ? { up: true } : {};
  const settings = { ...mtu, ...up };
  return Object.keys(settings).length === 0 ? [] : [{ ifindex: nic.ifindex, name: nic.name, ...settings }];
}
