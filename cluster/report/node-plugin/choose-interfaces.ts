// SPDX-License-Identifier: Apache-2.0

import { compareNatural } from '../../../policy/names.ts';
import { nodeStateLimits } from '../../../policy/nodestate/node-state-limits.ts';
import type { InterfaceFacts } from '../../../policy/plan/interfaces.ts';
import type { Finding, NodePlan } from '../../../policy/plan/node-plan.ts';
import { checkNamedKind, type ImplicitExposure } from '../../../policy/plan/plan-node.ts';

/**
 * Returns the interfaces that a node state lists. They are those that resources and held devices use, those that the
 * plan's findings name, and other Ethernet interfaces except those of pods (`podKinds`). If the list would be too long,
 * interfaces of the last group are left out first. From the list and the policies, a reader of the state can compute
 * the node's plan.
 *
 * Enslaved interfaces are included for three reasons:
 *
 * - If a policy names one, the state shows why it is skipped.
 * - The NUMA nodes of a bond include those of its members.
 * - An enslaved VLAN can have an address, for example in a VRF. The interface below it then carries the node's traffic.
 */
export function chooseInterfaces(
  interfaces: readonly InterfaceFacts[],
  plan: NodePlan,
  parents: readonly (string | undefined)[],
  exposure: ImplicitExposure | undefined,
): readonly InterfaceFacts[] {
  const findings = [...plan.skipped, ...plan.conflicts].filter(({ source }) => source !== 'implicit');
  const named: ReadonlySet<string | undefined> = new Set([
    ...plan.resources.flatMap(({ parent, vlan }) => [parent, vlan?.lower]),
    ...parents,
    ...findings.flatMap(namesIn),
  ]);
  const isNamed = ({ name }: InterfaceFacts) => named.has(name);
  const isExposable = (nic: InterfaceFacts) => exposure !== undefined && checkNamedKind(nic, exposure) === undefined;
  const isPossible = (nic: InterfaceFacts) =>
    nic.ethernet && !nic.loopback && (!podKinds.includes(nic.kind) || isExposable(nic));
  const byName = interfaces.toSorted((left, right) => compareNatural(left.name, right.name));
  const others = byName.filter((nic) => !isNamed(nic) && isPossible(nic));
  return [...byName.filter(isNamed), ...others]
    .slice(0, nodeStateLimits.interfaces)
    .sort((left, right) => compareNatural(left.name, right.name))
    .map(boundLists());
}

/**
 * Kinds of interfaces that pods use. A node has hundreds of them, and they appear and disappear with pods. Therefore,
 * they are left out unless a source names them or implicit exposure would expose them.
 */
const podKinds: readonly string[] = ['veth', 'macvtap', 'macvlan', 'ipvlan', 'ipvtap'];

function namesIn({ interface: nic, by }: Finding): readonly string[] {
  return [nic, by].filter((name) => name !== undefined);
}

/**
 * Returns a function that prepares the altnames and addresses of an interface. It sorts them, because the kernel does
 * not list them in a stable order. It then cuts both lists to `nodeStateLimits`.
 */
function boundLists(): (nic: InterfaceFacts) => InterfaceFacts {
  let left: number = nodeStateLimits.altNamesInAll;
  return (nic) => {
    const { addresses } = nic;
    const altNames = nic.altNames?.toSorted().slice(0, Math.min(left, nodeStateLimits.altNames));
    left -= altNames?.length ?? 0;
    return {
      ...nic,
      ...(altNames !== undefined && { altNames }),
      ...(addresses !== undefined && { addresses: addresses.toSorted().slice(0, nodeStateLimits.addresses) }),
    };
  };
}
