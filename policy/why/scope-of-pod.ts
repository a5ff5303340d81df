// SPDX-License-Identifier: Apache-2.0
import { resourceOfNad } from '../nad/read-nad.ts';
import { matchNode } from '../plan/match-node.ts';
import { compareNatural } from '../plan/natural-order.ts';
import { networkKey, resourcesOfPod } from '../pod/count-demand.ts';
import { networksOf } from '../pod/parse-networks.ts';
import type { Ground } from './ground.ts';
import { lacksOf } from './lacks-of.ts';
import { drainingOn } from './node-offers.ts';
import { policiesFor } from './policies-for.ts';
import type { Demand, Scope } from './scope.ts';
import { scopeNetwork } from './scope-network.ts';
import type { Subject } from './subject.ts';
import { untolerated } from './tolerates.ts';
import type { NodeStanding, PodStanding, WhyFacts } from './why-facts.ts';

/**
 * A pod: the networks that it names, what these and its containers need, and where it is or could be. What runs lacks
 * nothing, whatever became of the policies since.
 */
export function scopeOfPod(subject: Subject, facts: WhyFacts, ground: Ground): Scope | undefined {
  const { pod, networks: known } = facts;
  if (pod === undefined) return undefined;
  const keys = [...new Set(networksOf(pod.object).map(networkKey))];
  const networks = keys.map((key) => scopeNetwork(key, facts));
  const demands = [...resourcesOfPod(pod.object, known)].map(([resource, count]): Demand => {
    const network = keys.find((key) => resourceIn(known.get(key)) === resource);
    return { resource, count, ...(network !== undefined && { network }) };
  });
  const nodes = nodesFor(pod, facts);
  // What drains on its node stays for the pods there, and it is one of them.
  const stays = pod.node === undefined ? [] : drainingOn(facts, pod.node).map(({ name }) => name);
  const isUnmet = ({ resource }: Demand) => !stays.includes(resource);
  return {
    ...ground,
    subject,
    pod,
    networks,
    demands,
    policies: policiesFor(demands, facts, ground),
    nodes,
    lacks: pod.isReady || isOver(pod) ? [] : lacksOf(demands.filter(isUnmet), nodes, facts),
  };
}

/** Whether nothing will happen to the pod any more. */
function isOver({ phase }: PodStanding): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

function resourceIn(nad: Parameters<typeof resourceOfNad>[0] | undefined): string | undefined {
  return nad === undefined ? undefined : resourceOfNad(nad);
}

/** Its node, or those that its selectors and tolerations leave to the scheduler. */
function nodesFor({ node, selection, tolerations }: PodStanding, { nodes }: WhyFacts): readonly NodeStanding[] {
  const all = [...nodes.values()];
  const possible =
    node === undefined
      ? all.filter((one) => matchNode(one, selection) && untolerated(one.taints, tolerations).length === 0)
      : all.filter(({ name }) => name === node);
  return possible.sort((left, right) => compareNatural(left.name, right.name));
}
