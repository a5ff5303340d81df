// SPDX-License-Identifier: Apache-2.0
import { groupNodes } from './group-nodes.ts';
import { resourcesOn, type WantedResource } from './node-offers.ts';
import type { Scope } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/** A resource as the states of some nodes tell of it alike. */
export interface ResourceOnNodes {
  readonly resource: WantedResource;
  readonly network: string | undefined;
  readonly nodes: readonly string[];
}

/** The resources of a scope as its nodes report them: those that are demanded, that its policy causes, or all of its node. */
export function listResources(
  { subject, demands, nodes }: Scope,
  facts: WhyFacts,
  isMeant: (resource: WantedResource, node: string) => boolean,
): readonly ResourceOnNodes[] {
  const networkOf = (name: string) => demands.find(({ resource }) => resource === name)?.network;
  const concerns = ({ name, policy }: WantedResource): boolean => {
    if (subject.kind === 'node') return true;
    if (subject.kind === 'policy') return policy === `${subject.namespace}/${subject.name}`;
    return demands.some(({ resource }) => resource === name);
  };
  const items = nodes.flatMap(({ name: node }) =>
    resourcesOn(facts, node)
      .filter((resource) => concerns(resource) && isMeant(resource, node))
      .map((resource) => ({ node, resource })),
  );
  return groupNodes(items, ({ resource: { held, lost, heldElsewhere, ...same } }) => JSON.stringify(same)).map(
    ({ first, nodes: names }) => ({
      resource: first.resource,
      network: networkOf(first.resource.name),
      nodes: names,
    }),
  );
}

/** The fields of a cause that it gives: the way to it. */
export function wayTo({ resource, network, nodes }: ResourceOnNodes): {
  readonly resource: string;
  readonly nodes: readonly string[];
  readonly policy?: string;
  readonly network?: string;
} {
  return {
    resource: resource.name,
    nodes,
    ...(resource.policy !== undefined && { policy: resource.policy }),
    ...(network !== undefined && { network }),
  };
}
