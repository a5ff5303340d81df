// SPDX-License-Identifier: Apache-2.0
import { checkNamedKind, type ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { compareNatural } from '../../policy/plan/natural-order.ts';
import type { Finding, NodePlan } from '../../policy/plan/node-plan.ts';
import type { ReportedResource } from './build-node-state.ts';

/**
 * Kinds that are left out unless a source names the interface or implicit exposure would take it: ends of pods' and our
 * own links, of which there are hundreds, that come and go with pods, and of which only a policy could make parents.
 */
const kindsOfPods: readonly string[] = ['veth', 'macvtap', 'macvlan', 'ipvlan', 'ipvtap'];

/** An object of etcd has 1.5 MiB; a thousand interfaces have a third of that. */
const most = 1_000;

/**
 * The interfaces that a node's state tells of: what resources and held devices stand on and sources name, then every
 * Ethernet link that a policy could make a parent. The enslaved are among them: a policy that names one is answered with
 * the reason, a bond's NUMA nodes are those of its members, and whether an interface carries the node's traffic also
 * depends on the VLANs on it. From these facts anybody plans as the node itself does.
 */
export function chooseInterfaces(
  interfaces: readonly InterfaceFacts[],
  plan: NodePlan,
  served: readonly ReportedResource[],
  exposure: ImplicitExposure | undefined,
): readonly InterfaceFacts[] {
  const findings = [...plan.skipped, ...plan.conflicts].filter(({ source }) => source !== 'implicit');
  const named: ReadonlySet<string | undefined> = new Set([
    ...plan.resources.map(({ parent }) => parent),
    ...served.map((reported) => ('drains' in reported ? reported.parent : reported.resource.parent)),
    ...served.flatMap(({ elsewhere = [] }) => elsewhere.map(({ parent }) => parent)),
    ...findings.flatMap(namesIn),
  ]);
  const isNamed = ({ name }: InterfaceFacts) => named.has(name);
  const isExposable = (nic: InterfaceFacts) => exposure !== undefined && checkNamedKind(nic, exposure) === undefined;
  const isPossible = (nic: InterfaceFacts) =>
    nic.ethernet && !nic.loopback && (!kindsOfPods.includes(nic.kind) || isExposable(nic));
  const byName = interfaces.toSorted((left, right) => compareNatural(left.name, right.name));
  const others = byName.filter((nic) => !isNamed(nic) && isPossible(nic));
  return [...byName.filter(isNamed), ...others]
    .slice(0, most)
    .sort((left, right) => compareNatural(left.name, right.name))
    .map(bounded);
}

function namesIn({ interface: nic, by }: Finding): readonly string[] {
  return [nic, by].filter((name) => name !== undefined);
}

/** Lists within the bounds of the schema, in an order that the kernel does not choose. */
function bounded(nic: InterfaceFacts): InterfaceFacts {
  const { altNames, addresses } = nic;
  return {
    ...nic,
    ...(altNames !== undefined && { altNames: altNames.toSorted().slice(0, 64) }),
    ...(addresses !== undefined && { addresses: addresses.toSorted().slice(0, 256) }),
  };
}
