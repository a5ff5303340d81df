// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { NodeFacts } from '../plan/match-node.ts';
import { isSameMark, markNode, type ReportingNode, readNodeReport } from './node-report.ts';
import { createTally, type PolicyTally, type TallyKeeper } from './policy-tally.ts';

export interface StatusFacts {
  /** By `namespace/name`. */
  readonly policies: ReadonlyMap<string, Policy>;
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
}

/** Keeps what nodes mean for policies up to date. */
export interface StatusIndex {
  /**
   * Counts anew what changed since the last time: what is the same object is not read again, so that one changed node
   * costs a glance at the others and a look at each policy, and one changed policy a look at each node. Yields after a
   * slice of work; must be run to its end before the tallies are read. Returns the policies of which a tally changed.
   */
  follow(facts: StatusFacts): Generator<void, ReadonlySet<string>>;
  /** Undefined for a policy that is not there. */
  tallyOf(policy: string): PolicyTally | undefined;
}

/** Marks between two slices: some milliseconds. */
const sliceMarks = 2_000;

export function createStatusIndex(): StatusIndex {
  let policies: ReadonlyMap<string, Policy> = new Map();
  const tallies = new Map<string, TallyKeeper>();
  const known = new Map<string, ReportingNode>();
  const addAll = (some: readonly Policy[], node: ReportingNode): void => {
    if (some.length === 0) return;
    const report = readNodeReport(node);
    for (const policy of some) tallies.get(policy.id)?.count(markNode(policy, report), 1);
  };

  /** Counts a node as it is now instead of as it was; returns the policies for which that makes a difference. */
  const recount = (
    some: readonly Policy[],
    before: ReportingNode | undefined,
    after: ReportingNode | undefined,
  ): readonly string[] => {
    const [was, is] = [before && readNodeReport(before), after && readNodeReport(after)];
    return some.flatMap((policy) => {
      const [old, now] = [was && markNode(policy, was), is && markNode(policy, is)];
      if (old !== undefined && now !== undefined && isSameMark(old, now)) return [];
      if (old !== undefined) tallies.get(policy.id)?.count(old, -1);
      if (now !== undefined) tallies.get(policy.id)?.count(now, 1);
      return [policy.id];
    });
  };

  return {
    *follow(facts) {
      const changed = [...facts.policies.values()].filter((policy) => policies.get(policy.id) !== policy);
      const same = [...facts.policies.values()].filter((policy) => policies.get(policy.id) === policy);
      for (const id of policies.keys()) if (!facts.policies.has(id)) tallies.delete(id);
      for (const { id } of changed) tallies.set(id, createTally());
      policies = facts.policies;
      const touched = new Set(changed.map(({ id }) => id));
      let marks = 0;
      for (const name of new Set([...known.keys(), ...facts.nodes.keys()])) {
        const before = known.get(name);
        const after = nodeOf(facts, name);
        const isSame = before?.node === after?.node && before?.state === after?.state;
        if (!isSame) for (const id of recount(same, before, after)) touched.add(id);
        if (after === undefined) known.delete(name);
        else known.set(name, after);
        if (after !== undefined) addAll(changed, after);
        // A node that is gone over costs something, too.
        marks += 0.1 + changed.length + (isSame ? 0 : same.length);
        if (marks < sliceMarks) continue;
        marks = 0;
        yield;
      }
      return touched;
    },
    tallyOf: (policy) => tallies.get(policy)?.read(),
  };
}

function nodeOf({ nodes, nodeStates }: StatusFacts, name: string): ReportingNode | undefined {
  const node = nodes.get(name);
  return node && { node, state: nodeStates.get(name) };
}
