// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { sharedBy, tellOverlaps } from '../nodepolicy/warn-overlap.ts';
import type { Finding, NodePlan } from '../plan/node-plan.ts';
import { comparePolicies } from '../plan/policy-order.ts';
import type { Verdict } from '../reasons.ts';

/** A conflict of the policy that changes with another one, on one node. */
export interface Meeting {
  /** ID of the other policy. */
  readonly rival: string;
  /** What both want: a resource's name, or an interface that one of them takes whole. */
  readonly kind: 'resources' | 'parents';
  readonly name: string;
}

/** The conflicts of a node's plan that a policy has a part in, whether it wins or loses. */
export function meetingsOf({ conflicts, resources }: NodePlan, id: string): readonly Meeting[] {
  return conflicts.flatMap((conflict): readonly Meeting[] => {
    const { policy: loser, interface: parent = '', resource = '' } = conflict;
    const winner = winnerOf(conflict, resources);
    const rival = winner === id ? loser : loser === id ? winner : undefined;
    if (rival === undefined || rival === id) return [];
    return conflict.code === 'PassthruExclusive'
      ? [{ rival, kind: 'parents', name: parent }]
      : [{ rival, kind: 'resources', name: resource }];
  });
}

/** Adds up meetings, node by node. */
export interface OverlapSummary {
  add(node: string, meetings: readonly Meeting[]): void;
  verdicts(): readonly Verdict[];
}

/**
 * The other policies that a policy meets on nodes whose interfaces are known, where nothing written tells of it:
 * selectors that find the same interface. What the names tell is warn-overlap's to say, and left out.
 *
 * Emits PolicyOverlap.
 */
export function summarizeOverlaps(policy: Policy, others: readonly Policy[]): OverlapSummary {
  const rivals = new Map(others.map((other) => [other.id, newRival(policy, other)]));
  return {
    add(node, meetings) {
      for (const { rival: id, kind, name } of meetings) {
        const rival = rivals.get(id);
        if (rival === undefined || rival.written[kind].includes(name)) continue;
        rival[kind].add(name);
        rival.nodes.add(node);
      }
    },
    verdicts() {
      const met = [...rivals.values()].filter(({ nodes }) => nodes.size > 0);
      const overlaps = met.map(({ other, resources, parents, nodes }) => ({
        other,
        shared: { resources: [...resources], parents: [...parents] },
        nodes: [...nodes],
      }));
      return tellOverlaps(
        policy,
        overlaps.sort((left, right) => comparePolicies(left.other, right.other)),
      );
    },
  };
}

/** A finding names the policy that took a resource's name, but of an interface only the resource that has it. */
function winnerOf({ code, by }: Finding, resources: NodePlan['resources']): string | undefined {
  return code === 'PassthruExclusive' ? resources.find(({ name }) => name === by)?.policy : by;
}

function newRival(policy: Policy, other: Policy) {
  return {
    other,
    written: sharedBy(policy, other),
    resources: new Set<string>(),
    parents: new Set<string>(),
    nodes: new Set<string>(),
  };
}
