// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { countNodes, warnBriefly } from '../nodepolicy/brief-text.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { readInterface } from '../plan/interface-facts.ts';
import { matchNode, type NodeFacts } from '../plan/match-node.ts';
import { isOutsideNamespace, type Wanted } from '../plan/sources.ts';
import type { Verdict } from '../reasons.ts';
import { blastOfNode, type ReachedNode } from './blast-of-node.ts';
import { summarizeBlast } from './summarize-blast.ts';
import { summarizeOverlaps } from './summarize-overlaps.ts';

/** A policy before and after: both on an edit, one on creation or deletion. */
export interface PolicyChange {
  readonly before?: Policy;
  readonly after?: Policy;
}

/** The cluster that a change reaches. */
export interface BlastContext {
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** By the node's name; without status.interfaces what a node exposes is not known. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  /** All that can cause resources now. The policy that changes may be among the policies and is passed over. */
  readonly wanted: Wanted;
}

/** Between two breaths, some milliseconds: about 1,000 nodes that are looked at and passed over. */
const workPerSlice = 1_000;

/** What planning a node twice costs beside that, where it has as many interfaces as hosts have. */
function workOfPlans(policies: number): number {
  return 20 + 2 * policies;
}

/**
 * What a change of a policy does to the cluster, as warnings: which resources how many nodes lose, change or gain, how
 * many devices pods hold there, and where selectors meet another policy's. Only nodes that the policy selects before or
 * after can change; one that falls back to another source gains what this exposes.
 *
 * A generator, because thousands of nodes take longer than an event loop may stand still: it yields after each slice of
 * some milliseconds, and returns the warnings.
 *
 * @example
 *   const blast = blastRadius({ before, after }, context);
 *   let step = blast.next();
 *   while (!step.done) { await setImmediate(); step = blast.next(); }
 *   step.value // [{ code: 'ResourceLost', detail: 'dataplane: 3 nodes lose it, 12 devices held: h1, h2, h3', … }]
 */
export function* blastRadius(
  { before, after }: PolicyChange,
  { nodes, nodeStates, wanted }: BlastContext,
): Generator<void, readonly Verdict[], void> {
  const policies = [before, after].filter((policy) => policy !== undefined);
  const changed = policies.filter((policy) => !isOutsideNamespace(policy));
  const others = wanted.policies.filter(({ id }) => policies.every((policy) => policy.id !== id));
  const wantedBefore = { ...wanted, policies: before === undefined ? others : [...others, before] };
  const wantedAfter = { ...wanted, policies: after === undefined ? others : [...others, after] };
  const resources = summarizeBlast();
  const overlaps = after === undefined ? undefined : summarizeOverlaps(after, others);
  const unknown: string[] = [];
  let work = 0;
  for (const node of nodes.values()) {
    if (work >= workPerSlice) yield;
    work = (work % workPerSlice) + 1;
    if (!changed.some((policy) => matchNode(node, policy.nodes))) continue;
    const reached = readNode(node, nodeStates.get(node.name));
    if (reached === undefined) {
      unknown.push(node.name);
      continue;
    }
    work += workOfPlans(others.length);
    const { changes, meetings } = blastOfNode(reached, wantedBefore, wantedAfter, after?.id ?? '');
    resources.add(node.name, changes);
    overlaps?.add(node.name, meetings);
  }
  return [...resources.verdicts(), ...(overlaps?.verdicts() ?? []), ...tellUnknown(unknown)];
}

/** What a change can reach of a node; undefined where nobody told its interfaces. */
export function readNode(node: NodeFacts, state: MacvtapNetworkNodeState | undefined): ReachedNode | undefined {
  const { interfaces, resources = [] } = state?.status ?? {};
  if (interfaces === undefined) return undefined;
  const held = new Map(resources.map((resource) => [resource.name, resource.held ?? 0]));
  return { node, interfaces: interfaces.map(readInterface), held };
}

function tellUnknown(nodes: readonly string[]): readonly Verdict[] {
  if (nodes.length === 0) return [];
  return [warnBriefly('InterfacesUnknown', 'spec', `not counted: ${countNodes(nodes)}`)];
}
