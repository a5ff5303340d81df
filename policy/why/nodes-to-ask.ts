// SPDX-License-Identifier: Apache-2.0
import { createScope } from './create-scope.ts';
import { drainingOn, isOffered, resourcesOn } from './node-offers.ts';
import type { Subject } from './subject.ts';
import type { WhyFacts } from './why-facts.ts';

/**
 * The nodes whose pods matter to a walk: those that could give a waiting pod its devices, and those where a resource waits
 * for its devices to be released. Facts without holders are enough.
 */
export function nodesToAsk(subject: Subject, facts: WhyFacts): readonly string[] {
  const scope = createScope(subject, facts);
  if (scope === undefined) return [];
  const { pod, demands, nodes } = scope;
  const isWaiting = pod !== undefined && pod.node === undefined;
  return nodes
    .filter(
      (node) =>
        (isWaiting && demands.some(({ resource }) => isOffered(facts, node, resource))) ||
        resourcesOn(facts, node.name).some(({ code }) => code === 'ParentChanged') ||
        (subject.kind === 'node' && drainingOn(facts, node.name).length > 0),
    )
    .map(({ name }) => name);
}
