// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { overlapVerdicts, sharedBy } from '../nodepolicy/warn-overlap.ts';
import { comparePolicies } from '../plan/from-policies.ts';
import type { InterfaceFacts } from '../plan/interfaces.ts';
import type { NodeFacts } from '../plan/match-labels.ts';
import type { Finding, NodePlan, PlannedResource } from '../plan/node-plan.ts';
import { planBoth, type Wanted } from '../plan/plan-node.ts';
import { describeCarrierLoss } from '../plan/resource.ts';
import type { Verdict } from '../reasons.ts';

/** The change of one resource on a node. */
export interface ResourceChange {
  readonly resource: string;
  readonly effect: 'lost' | 'changed' | 'gained';
  /**
   * For a changed resource, the changed fields: `mode private -> vepa, quantity 25 -> 50`. For a gained resource, its
   * source, or empty if the source is a policy. Empty for a lost resource.
   */
  readonly how: string;
  /** The number of the resource's devices that pods hold now; 0 for a gained resource. */
  readonly held: number;
}

/** The effects of a policy change on one node. */
export interface NodeBlast {
  readonly changes: readonly ResourceChange[];
  /** The conflicts that the changed policy has with other policies after the change. */
  readonly conflicts: readonly PolicyConflict[];
}

/** A node with the facts that determine how a policy change affects it. */
export interface ReportedNode {
  readonly node: NodeFacts;
  readonly interfaces: readonly InterfaceFacts[];
  /** The number of devices that pods hold, by resource. */
  readonly held: ReadonlyMap<string, number>;
}

/**
 * Compares a node's plans before and after a change of the policy `id`. Returns only the differences, because storing
 * the plans of thousands of nodes would take too much memory.
 */
export function blastOfNode(
  { node, interfaces, held }: ReportedNode,
  wantedBefore: Wanted,
  wantedAfter: Wanted,
  id: string,
): NodeBlast {
  const { before, after } = planBoth(node, interfaces, wantedBefore, wantedAfter);
  return { changes: changesBetween(before, after, held), conflicts: conflictsOfPolicy(after, id) };
}

/** Returns how the resources of a node differ between two plans. Lost resources come first, then the others by name. */
export function changesBetween(
  before: NodePlan,
  after: NodePlan,
  held: ReadonlyMap<string, number>,
): readonly ResourceChange[] {
  const earlier = new Map(before.resources.map((resource) => [resource.name, resource]));
  const later = new Set(after.resources.map(({ name }) => name));
  const changes = [
    ...before.resources
      .filter(({ name }) => !later.has(name))
      .map(({ name }) => ({ resource: name, effect: 'lost', how: '' }) as const),
    ...after.resources.flatMap((resource) => changeOf(resource, earlier.get(resource.name))),
  ];
  return changes.map((change) => ({
    ...change,
    held: change.effect === 'gained' ? 0 : (held.get(change.resource) ?? 0),
  }));
}

function changeOf(
  after: PlannedResource,
  before: PlannedResource | undefined,
): readonly Omit<ResourceChange, 'held'>[] {
  if (before === undefined) return [{ resource: after.name, effect: 'gained', how: sourceTexts[after.source] }];
  const how = differences(before, after).join(', ');
  return how === '' ? [] : [{ resource: after.name, effect: 'changed', how }];
}

/**
 * How a warning describes the source of a gained resource. For example, if the last policy of a node is deleted, the
 * node may gain resources by implicit exposure.
 */
const sourceTexts: Readonly<Record<PlannedResource['source'], string>> = {
  policy: '',
  explicit: 'by the explicit configuration',
  tag: 'by tags of the node',
  implicit: 'by implicit exposure',
};

function differences(before: PlannedResource, after: PlannedResource): readonly string[] {
  const fields = [
    ['parent', before.parent, after.parent],
    ['mode', before.mode, after.mode],
    ['quantity', before.quantity, after.quantity],
    ['NUMA hint', before.numaNodes.join('+') || 'none', after.numaNodes.join('+') || 'none'],
    ['onCarrierLoss', describeCarrierLoss(before.carrierLoss), describeCarrierLoss(after.carrierLoss)],
    ['/dev/vhost-net', before.needVhostNet ? 'yes' : 'no', after.needVhostNet ? 'yes' : 'no'],
  ] as const;
  return fields.filter(([, from, to]) => from !== to).map(([name, from, to]) => `${name} ${from} -> ${to}`);
}

/** A conflict of the changed policy with another policy on one node. */
export interface PolicyConflict {
  /** ID of the other policy. */
  readonly rival: string;
  /**
   * `resources` if both policies use the same resource name. `parents` if both use the same interface, and at least one
   * uses it with passthru.
   */
  readonly kind: 'resources' | 'parents';
  readonly name: string;
}

/** Returns the conflicts in a node's plan that a policy wins or loses. */
export function conflictsOfPolicy({ conflicts, resources }: NodePlan, id: string): readonly PolicyConflict[] {
  const policies = new Map(resources.map(({ name, policy }) => [name, policy]));
  return conflicts.flatMap((conflict): readonly PolicyConflict[] => {
    const { policy: loser, interface: parent = '', resource = '' } = conflict;
    const winner = winnerOf(conflict, policies);
    const rival = winner === id ? loser : loser === id ? winner : undefined;
    if (rival === undefined || rival === id) return [];
    return conflict.code === 'PassthruExclusive'
      ? [{ rival, kind: 'parents', name: parent }]
      : [{ rival, kind: 'resources', name: resource }];
  });
}

/** Collects conflicts one node at a time. */
export interface OverlapSummary {
  add(node: string, conflicts: readonly PolicyConflict[]): void;
  verdicts(): readonly Verdict[];
}

/**
 * Summarizes a policy's conflicts with other policies. Covers only conflicts that depend on the nodes, such as two
 * selectors that match the same interface. warn-overlap reports the conflicts that are visible in the policies' text.
 *
 * Emits PolicyOverlap.
 */
export function summarizeOverlaps(policy: Policy, others: readonly Policy[]): OverlapSummary {
  const rivals = new Map(others.map((other) => [other.id, newRival(policy, other)]));
  return {
    add(node, conflicts) {
      for (const { rival: id, kind, name } of conflicts) {
        const rival = rivals.get(id);
        if (rival === undefined || rival.sharedNames[kind].includes(name)) continue;
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
      return overlapVerdicts(
        policy,
        overlaps.sort((left, right) => comparePolicies(left.other, right.other)),
      );
    },
  };
}

/**
 * Returns the policy that wins a conflict. If the policies conflict over a resource name, `by` is the winning policy.
 * If they conflict over a parent (PassthruExclusive), `by` is the winning resource, and `policies` maps it to its
 * policy.
 */
function winnerOf({ code, by }: Finding, policies: ReadonlyMap<string, string | undefined>): string | undefined {
  return code === 'PassthruExclusive' ? policies.get(by ?? '') : by;
}

function newRival(policy: Policy, other: Policy) {
  return {
    other,
    sharedNames: sharedBy(policy, other),
    resources: new Set<string>(),
    parents: new Set<string>(),
    nodes: new Set<string>(),
  };
}
