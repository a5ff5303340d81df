// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { isShortVlanName, nameVlan, vlanLinkNames } from '../../policy/plan/vlan.ts';
import type { LinkChange, UnfinishedVlan, VlanRequest } from '../links/vlan-link.ts';

/** The facts from which `decideVlans` decides. */
export interface VlanFacts {
  readonly interfaces: readonly InterfaceFacts[];
  /** The resources of the plan. */
  readonly resources: readonly PlannedResource[];
  /** The names and indexes of links that the devices of pods use or may use. */
  readonly inUse: ReadonlySet<string | number>;
}

/** A VLAN of the plan that does not exist on the node. */
interface MissingVlan extends VlanRequest {
  /** The name of the VLAN in the plan. */
  readonly parent: string;
}

export interface VlanDecision {
  readonly create: readonly MissingVlan[];
  /** VLANs whose creation was interrupted. */
  readonly finish: readonly (UnfinishedVlan & Pick<MissingVlan, 'parent'>)[];
  readonly change: readonly LinkChange[];
  /** VLANs that the node plugin created and that are unused: by the plan, by pods and by the node. */
  readonly unused: readonly { readonly name: string; readonly ifindex: number }[];
  /** The VLANs of the plan that exist on the node, by their full name, such as `bond1.100`. */
  readonly present: ReadonlyMap<string, { readonly name: string; readonly managed: boolean }>;
}

/**
 * Decides what to do with the node's VLANs. The result depends only on the links, the plan and the devices of pods, not
 * on earlier decisions. It is therefore correct even after the node plugin was killed or an administrator changed a
 * link.
 *
 * - A VLAN of the plan that does not exist is created, if the interface below it exists. It is not created if that
 *   interface already has a VLAN with this ID. The plan is then older than the links, and the next plan uses or rejects
 *   that VLAN.
 * - A VLAN that the node plugin created gets the MTU of the interface below it, and is set up while that interface is
 *   up. The kernel lowers the MTU of a VLAN together with that of its lower link, but does not raise it
 *   (vlan_device_event, net/8021q/vlan.c).
 * - A VLAN that the node plugin created is unused if no resource, no device of a pod and no other part of the node uses
 *   it. The node uses a VLAN that has an address, the default route, a master or a link on top of it.
 * - A VLAN that an administrator created is never changed.
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
      finish.push({ parent, ifindex: unfinished.ifindex, ...vlan, up: lower.up });
      handled.add(unfinished.ifindex);
    } else if (there === undefined) {
      if (!interfaces.some((nic) => nic.vlan?.id === vlan.id && nic.lowerIfindex === lower.ifindex))
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

/** Returns whether a link is the VLAN of a resource, and the node plugin has not set its final name yet. */
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
  // The kernel itself sets a VLAN down together with its lower link, so only the other direction is needed here.
  const up = lower.up && !nic.up ? { up: true } : {};
  const settings = { ...mtu, ...up };
  return Object.keys(settings).length === 0 ? [] : [{ ifindex: nic.ifindex, name: nic.name, ...settings }];
}
