// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { NodeStanding, WhyFacts } from './why-facts.ts';

type Reported = NonNullable<NonNullable<MacvtapNetworkNodeState['status']>['resources']>[number];

/** A resource that something asks for; what only drains for pods that hold it is none. */
export type WantedResource = Reported & Required<Pick<Reported, 'parent' | 'mode'>>;

/** What a node's state says of a resource. */
export function reportedOn(facts: WhyFacts, node: string, resource: string): WantedResource | undefined {
  return resourcesOn(facts, node).find(({ name }) => name === resource);
}

export function resourcesOn({ nodeStates }: WhyFacts, node: string): readonly WantedResource[] {
  return (nodeStates.get(node)?.status?.resources ?? []).filter(isWanted);
}

/** What is there only for the pods that hold it: nobody else is given a device of it. */
export function drainingOn({ nodeStates }: WhyFacts, node: string): readonly Reported[] {
  return (nodeStates.get(node)?.status?.resources ?? []).filter(({ code }) => code === 'Draining');
}

/** Whether a pod can be given a device of a resource there, were one free: kubelet has it, and its state speaks not against it. */
export function isOffered(facts: WhyFacts, { name, allocatable }: NodeStanding, resource: string): boolean {
  if ((allocatable.get(resource) ?? 0) === 0) return false;
  if (drainingOn(facts, name).some((one) => one.name === resource)) return false;
  return reportedOn(facts, name, resource)?.health !== 'Unhealthy';
}

function isWanted(reported: Reported): reported is WantedResource {
  return reported.code !== 'Draining' && reported.parent !== undefined && reported.mode !== undefined;
}
