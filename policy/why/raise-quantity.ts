// SPDX-License-Identifier: Apache-2.0
import { maxQuantity } from '../plan/mode.ts';
import type { Fix } from './cause.ts';
import { patchEntry } from './kubectl.ts';
import { reportedOn } from './node-offers.ts';
import type { WhyFacts } from './why-facts.ts';

/** How a resource gets at least so many devices: by the policy that causes it on one of the nodes. */
export function raiseQuantity(resource: string, quantity: number, nodes: readonly string[], facts: WhyFacts): Fix {
  const reported = nodes.map((node) => reportedOn(facts, node, resource)).find((one) => one?.policy !== undefined);
  const policy = facts.policies.find(({ id }) => id === reported?.policy);
  const entry = policy?.entries.find(({ index }) => index === reported?.entry);
  if (reported?.mode === 'passthru' || quantity > maxQuantity) {
    return { text: `${resource} can have no more devices: use another resource`, commands: [] };
  }
  if (policy === undefined || entry === undefined) {
    return { text: `raise the quantity of ${resource} where it is configured`, commands: [] };
  }
  return {
    text: `raise the quantity of ${resource}`,
    commands: [patchEntry(policy.id, entry.index, { quantity })],
  };
}
