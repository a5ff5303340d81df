// SPDX-License-Identifier: Apache-2.0
import type { Policy, PolicyEntry } from '../nodepolicy/read-policy.ts';
import type { Finding } from '../plan/node-plan.ts';
import type { ReasonCode } from '../reasons.ts';
import { groupNodes } from './group-nodes.ts';
import { resourcesOn } from './node-offers.ts';
import type { Scope } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/** What the plans of nodes say of an entry, told once for all nodes of which it holds. */
export interface EntryFinding {
  readonly finding: Finding;
  readonly policy: Policy;
  readonly entry: PolicyEntry;
  /** Without the prefix; undefined where an entry selects and gives no name. */
  readonly resource: string | undefined;
  readonly network: string | undefined;
  readonly nodes: readonly string[];
  /** That nothing is offered where this could be in the way. */
  readonly isLacking: boolean;
}

/**
 * The findings with some codes that concern a scope: of pods and networks those about a resource that is lacking, of nodes
 * and policies all. A resource that once stood there and lost its parent is told of otherwise.
 */
export function listFindings(scope: Scope, facts: WhyFacts, codes: readonly ReasonCode[]): readonly EntryFinding[] {
  const { subject, policies, nodes, planOf, lacks } = scope;
  const byID = new Map(policies.map((policy) => [policy.id, policy]));
  const items = nodes.flatMap(({ name: node }) => {
    const plan = planOf(node);
    return [...(plan?.skipped ?? []), ...(plan?.conflicts ?? [])].flatMap((finding) => {
      const policy = byID.get(finding.policy ?? '');
      const entry = policy?.entries.find(({ index }) => index === finding.entry);
      if (policy === undefined || entry === undefined || !codes.includes(finding.code)) return [];
      const resource = finding.resource ?? entry.resourceName ?? finding.interface;
      const lack = lacks.find(
        (one) => (one.resource ?? resource) === resource && one.nodes.some(({ name }) => name === node),
      );
      if (lack === undefined && (subject.kind === 'pod' || subject.kind === 'nad')) return [];
      // An entry that finds nothing is normal where another one of the policy has the name.
      const isServed = resourcesOn(facts, node).some(({ name, policy: by }) => name === resource && by === policy.id);
      if (finding.code === 'NothingFound' && isServed) return [];
      return [{ node, finding, policy, entry, resource, network: lack?.network, isLacking: lack !== undefined }];
    });
  });
  return groupNodes(items, ({ finding, isLacking }) => JSON.stringify([finding, isLacking])).map(
    ({ first, nodes: names }) => {
      const { node: _, ...rest } = first;
      return { ...rest, nodes: names };
    },
  );
}

/** The fields of a cause that a finding gives: the way to it. */
export function wayTo({ policy, resource, network, nodes }: EntryFinding): {
  readonly policy: string;
  readonly nodes: readonly string[];
  readonly resource?: string;
  readonly network?: string;
} {
  return {
    policy: policy.id,
    nodes,
    ...(resource !== undefined && { resource }),
    ...(network !== undefined && { network }),
  };
}
