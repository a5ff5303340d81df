// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { itemsOf } from '../nodestate/node-state-limits.ts';
import type { NodeFacts } from '../plan/match-labels.ts';
import {
  createTally,
  isSameMark,
  type MutableTally,
  markNode,
  type PolicyTally,
  type ReportingNode,
  readNodeReport,
} from './node-report.ts';

export interface StatusInput {
  /** The policies by `namespace/name`. */
  readonly policies: ReadonlyMap<string, Policy>;
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
}

/** The tallies of all policies, updated incrementally when the cluster changes. */
export interface StatusIndex {
  /**
   * Updates the tallies with the changes since the last call, and returns the policies whose tally changed. A changed
   * node is matched with each policy, and a changed policy with each node. Other objects are not read again. Yields
   * after each slice of work. The generator must finish before tallies are read.
   */
  follow(facts: StatusInput): Generator<void, ReadonlySet<string>>;
  /** Returns the tally of a policy, or undefined if the policy does not exist. */
  tallyOf(policy: string): PolicyTally | undefined;
}

/**
 * How many marks are computed before the generator yields. This takes a few milliseconds. A mark is the contribution of
 * one node to the status of one policy.
 */
const sliceMarks = 2_000;

/** The work of reading one item of a report, as a fraction of the work of one mark. */
const marksPerItem = 0.1;

export function createStatusIndex(): StatusIndex {
  let policies: ReadonlyMap<string, Policy> = new Map();
  const tallies = new Map<string, MutableTally>();
  const known = new Map<string, ReportingNode>();
  const addAll = (some: readonly Policy[], node: ReportingNode): void => {
    if (some.length === 0) return;
    const report = readNodeReport(node);
    for (const policy of some) tallies.get(policy.id)?.count(markNode(policy, report), 1);
  };

  /** Replaces the marks of a node. Returns the policies for which the marks differ. */
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
        // An unchanged node still costs a comparison. A long report takes more time to read than a short one.
        marks += 0.1 + changed.length + (isSame ? 0 : same.length);
        if (after?.state !== undefined && (!isSame || changed.length > 0)) marks += itemsOf(after.state) * marksPerItem;
        if (marks < sliceMarks) continue;
        marks = 0;
        yield;
      }
      return touched;
    },
    tallyOf: (policy) => tallies.get(policy)?.read(),
  };
}

function nodeOf({ nodes, nodeStates }: StatusInput, name: string): ReportingNode | undefined {
  const node = nodes.get(name);
  return node && { node, state: nodeStates.get(name) };
}
