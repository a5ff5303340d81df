// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { matchNode, type NodeFacts } from '../plan/match-labels.ts';
import { isOutsideNamespace } from '../plan/plan-node.ts';

type Status = NonNullable<MacvtapNetworkNodeState['status']>;
type Resource = NonNullable<Status['resources']>[number];
type Conflict = NonNullable<Status['conflicts']>[number];

/** A node and the state that its plugin reports. */
export interface ReportingNode {
  readonly node: NodeFacts;
  /** Undefined if no plugin has reported. */
  readonly state: MacvtapNetworkNodeState | undefined;
}

/** A node's state, grouped by policy. */
export interface NodeReport {
  readonly node: NodeFacts;
  readonly generations: ReadonlyMap<string, number>;
  readonly resources: ReadonlyMap<string | undefined, readonly Resource[]>;
  readonly conflicts: ReadonlyMap<string | undefined, readonly Conflict[]>;
}

/**
 * How one node counts for a policy. Here, a Degraded resource counts as healthy:
 *
 * - `pending`: selected, but has not reported this generation of the policy;
 * - `exposing`: exposes resources of the policy, at least one of them healthy;
 * - `unhealthy`: exposes resources of the policy, all of them unhealthy;
 * - `losing`: exposes none, because other policies or resources have precedence;
 * - `finding-nothing`: exposes none for any other reason;
 * - `leaving`: no longer selected, but still reports resources of the policy;
 * - `none`: neither selected nor exposing.
 */
type NodeOutcome = 'none' | 'leaving' | 'pending' | 'exposing' | 'unhealthy' | 'losing' | 'finding-nothing';

/** One node's contribution to a policy's status. */
export interface NodeMark {
  readonly outcome: NodeOutcome;
  /** Indexes of the entries with healthy resources on the node, without duplicates. */
  readonly entries: readonly number[];
  /** The conflicts that the policy loses on the node. `by` is the winning policy, source or resource. */
  readonly conflicts: readonly Pick<Conflict, 'code' | 'by'>[];
}

/**
 * Reads a node's report. A report that cannot be read is treated as absent, so that every policy still gets a status.
 */
export function readNodeReport(reporting: ReportingNode): NodeReport {
  try {
    return readReport(reporting);
  } catch {
    return readReport({ ...reporting, state: undefined });
  }
}

function readReport({ node, state }: ReportingNode): NodeReport {
  const { observedPolicies = [], resources = [], conflicts = [] } = state?.status ?? {};
  return {
    node,
    generations: new Map(observedPolicies.map(({ name, generation }) => [name, generation])),
    resources: Map.groupBy(resources, ({ policy }) => policy),
    conflicts: Map.groupBy(conflicts, ({ policy }) => policy),
  };
}

const nothing: NodeMark = { outcome: 'none', entries: [], conflicts: [] };
const pending: NodeMark = { ...nothing, outcome: 'pending' };
const findingNothing: NodeMark = { ...nothing, outcome: 'finding-nothing' };

/** Returns how a node counts for a policy. If the node has reported another generation of the policy, it is pending. */
export function markNode(policy: Policy, report: NodeReport): NodeMark {
  const { id, nodes, generation } = policy;
  const resources = report.resources.get(id) ?? [];
  if (isOutsideNamespace(policy) || !matchNode(report.node, nodes)) {
    return resources.length === 0 ? nothing : { ...nothing, outcome: 'leaving' };
  }
  const observed = report.generations.get(id);
  if (observed === undefined || (generation !== undefined && observed !== generation)) return pending;
  const conflicts = report.conflicts.get(id) ?? [];
  if (resources.length === 0 && conflicts.length === 0) return findingNothing;
  const healthy = resources.filter(({ health }) => health !== 'Unhealthy');
  return {
    outcome: resources.length === 0 ? 'losing' : healthy.length === 0 ? 'unhealthy' : 'exposing',
    entries: [...new Set(healthy.flatMap(({ entry }) => (entry === undefined ? [] : [entry])))],
    conflicts: conflicts.map(({ code, by }) => ({ code, ...(by !== undefined && { by }) })),
  };
}

export function isSameMark(left: NodeMark, right: NodeMark): boolean {
  return (
    left.outcome === right.outcome &&
    left.entries.join() === right.entries.join() &&
    left.conflicts.length === right.conflicts.length &&
    left.conflicts.every(({ code, by }, index) => {
      const other = right.conflicts[index];
      return code === other?.code && by === other.by;
    })
  );
}

/** Counts of nodes and conflicts for the status of one policy. */
export interface PolicyTally {
  readonly nodes: Readonly<Record<NodeOutcome, number>>;
  /** The number of nodes with healthy resources, by entry index. */
  readonly entries: ReadonlyMap<number, number>;
  /** The conflicts that the policy loses, sorted by number of nodes, highest first. */
  readonly conflicts: readonly ConflictCount[];
}

export interface ConflictCount {
  readonly code: string;
  /** The winning policy, source or resource. */
  readonly by: string;
  readonly nodes: number;
}

/** A tally that can be updated: nodes are added and removed one at a time. */
export interface MutableTally {
  count(mark: NodeMark, by: 1 | -1): void;
  read(): PolicyTally;
}

export function createTally(): MutableTally {
  const nodes: Record<NodeOutcome, number> = {
    none: 0,
    leaving: 0,
    pending: 0,
    exposing: 0,
    unhealthy: 0,
    losing: 0,
    'finding-nothing': 0,
  };
  const entries = new Map<number, number>();
  const conflicts = new Map<string, number>();
  return {
    count(mark, by) {
      nodes[mark.outcome] += by;
      for (const index of mark.entries) add(entries, index, by);
      const lost = new Set(mark.conflicts.map((conflict) => JSON.stringify([conflict.code, conflict.by ?? ''])));
      for (const key of lost) add(conflicts, key, by);
    },
    read: () => ({
      nodes: { ...nodes },
      entries: new Map(entries),
      conflicts: [...conflicts].map(toConflictCount).sort(byNodes),
    }),
  };
}

function add<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function toConflictCount([key, nodes]: readonly [string, number]): ConflictCount {
  const [code, by] = JSON.parse(key) as [string, string];
  return { code, by, nodes };
}

function byNodes(left: ConflictCount, right: ConflictCount): number {
  const names = (one: ConflictCount) => `${one.by} ${one.code}`;
  return right.nodes - left.nodes || (names(left) < names(right) ? -1 : 1);
}
