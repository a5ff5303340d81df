// SPDX-License-Identifier: Apache-2.0
import { collectOffers } from '../offers/offers-index.ts';
import { readInterface } from '../plan/interface-facts.ts';
import type { NodePlan } from '../plan/node-plan.ts';
import { planNode } from '../plan/plan-node.ts';
import { isOutsideNamespace } from '../plan/sources.ts';
import type { Scope } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/** What every kind of subject is looked at with. */
export type Ground = Pick<Scope, 'offers' | 'planOf'>;

export function createGround(facts: WhyFacts): Ground {
  const policies = facts.policies.filter((policy) => !isOutsideNamespace(policy));
  return { offers: collectOffers({ ...facts, policies }), planOf: plansOf(facts) };
}

/** Each node is planned once, and only when somebody asks. */
function plansOf(facts: WhyFacts): Scope['planOf'] {
  const plans = new Map<string, NodePlan | undefined>();
  return (name) =>
    plans.getOrInsertComputed(name, () => {
      const node = facts.nodes.get(name);
      const interfaces = facts.nodeStates.get(name)?.status?.interfaces;
      if (node === undefined || interfaces === undefined) return undefined;
      const wanted = { policies: facts.policies, explicit: facts.explicit, implicit: undefined };
      return planNode(node, interfaces.map(readInterface), wanted);
    });
}
