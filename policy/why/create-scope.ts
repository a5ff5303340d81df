// SPDX-License-Identifier: Apache-2.0
import { createGround } from './ground.ts';
import type { Scope } from './scope.ts';
import { scopeOfNetwork } from './scope-of-network.ts';
import { scopeOfNode } from './scope-of-node.ts';
import { scopeOfPod } from './scope-of-pod.ts';
import { scopeOfPolicy } from './scope-of-policy.ts';
import type { Subject } from './subject.ts';
import type { WhyFacts } from './why-facts.ts';

/** Finds what concerns a subject. Undefined where there is no such object. */
export function createScope(subject: Subject, facts: WhyFacts): Scope | undefined {
  const ground = createGround(facts);
  switch (subject.kind) {
    case 'pod':
      return scopeOfPod(subject, facts, ground);
    case 'nad':
      return scopeOfNetwork(subject, facts, ground);
    case 'node':
      return scopeOfNode(subject, facts, ground);
    case 'policy':
      return scopeOfPolicy(subject, facts, ground);
  }
}
