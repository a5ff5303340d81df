// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { matchNode, type NodeFacts } from '../plan/match-node.ts';
import { isOutsideNamespace } from '../plan/sources.ts';

type Status = NonNullable<MacvtapNetworkNodeState['status']>;
type Resource = NonNullable<Status['resources']>[number];
type Conflict = NonNullable<Status['conflicts']>[number];

/** A node and what its plugin reports. */
export interface ReportingNode {
  readonly node: NodeFacts;
  /** Undefined where no plugin has reported. */
  readonly state: MacvtapNetworkNodeState | undefined;
}

/** What a node's state says, by policy. */
export interface NodeReport {
  readonly node: NodeFacts;
  readonly generations: ReadonlyMap<string, number>;
  readonly resources: ReadonlyMap<string | undefined, readonly Resource[]>;
  readonly conflicts: ReadonlyMap<string | undefined, readonly Conflict[]>;
}

/**
 * What one node means for a policy:
 *
 * - `pending`: selected, and it has not reported this generation;
 * - `exposing`, `unhealthy`: it has resources by the policy, and gives out devices of one, or of none for now;
 * - `losing`, `finding-nothing`: it has none, because others come first, or for any other reason;
 * - `leaving`: not selected any more, and it still has some, as far as it has reported;
 * - `none`: nothing.
 */
export type NodeStanding = 'none' | 'leaving' | 'pending' | 'exposing' | 'unhealthy' | 'losing' | 'finding-nothing';

/** A node as a policy's status counts it. */
export interface NodeMark {
  readonly standing: NodeStanding;
  /** Indexes of the entries by which the node gives out devices, each once. */
  readonly entries: readonly number[];
  /** What the policy loses on the node; `by` is the policy, the source or the resource that has it. */
  readonly conflicts: readonly Pick<Conflict, 'code' | 'by'>[];
}

export function readNodeReport({ node, state }: ReportingNode): NodeReport {
  const { observedPolicies = [], resources = [], conflicts = [] } = state?.status ?? {};
  return {
    node,
    generations: new Map(observedPolicies.map(({ name, generation }) => [name, generation])),
    resources: Map.groupBy(resources, ({ policy }) => policy),
    conflicts: Map.groupBy(conflicts, ({ policy }) => policy),
  };
}

const nothing: NodeMark = { standing: 'none', entries: [], conflicts: [] };
const pending: NodeMark = { ...nothing, standing: 'pending' };
const findingNothing: NodeMark = { ...nothing, standing: 'finding-nothing' };

/** What a node's report means for a policy. What it says of another generation counts for nothing. */
export function markNode(policy: Policy, report: NodeReport): NodeMark {
  const { id, nodes, generation } = policy;
  const resources = report.resources.get(id) ?? [];
  if (isOutsideNamespace(policy) || !matchNode(report.node, nodes)) {
    return resources.length === 0 ? nothing : { ...nothing, standing: 'leaving' };
  }
  const observed = report.generations.get(id);
  if (observed === undefined || (generation !== undefined && observed !== generation)) return pending;
  const conflicts = report.conflicts.get(id) ?? [];
  if (resources.length === 0 && conflicts.length === 0) return findingNothing;
  const giving = resources.filter(({ health }) => health !== 'Unhealthy');
  return {
    standing: resources.length === 0 ? 'losing' : giving.length === 0 ? 'unhealthy' : 'exposing',
    entries: [...new Set(giving.flatMap(({ entry }) => (entry === undefined ? [] : [entry])))],
    conflicts: conflicts.map(({ code, by }) => ({ code, ...(by !== undefined && { by }) })),
  };
}

export function isSameMark(left: NodeMark, right: NodeMark): boolean {
  return (
    left.standing === right.standing &&
    left.entries.join() === right.entries.join() &&
    left.conflicts.length === right.conflicts.length &&
    left.conflicts.every(({ code, by }, index) => {
      const other = right.conflicts[index];
      return code === other?.code && by === other.by;
    })
  );
}
