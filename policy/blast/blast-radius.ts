// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { compareNatural } from '../names.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { count, countNodes, listNames, warnBriefly } from '../nodepolicy/warning.ts';
import { readInterface } from '../plan/interfaces.ts';
import { matchNode, type NodeFacts } from '../plan/match-labels.ts';
import { isOutsideNamespace, type Wanted } from '../plan/plan-node.ts';
import type { Verdict } from '../reasons.ts';
import { blastOfNode, type ReportedNode, type ResourceChange, summarizeOverlaps } from './blast-of-node.ts';

/** A policy before and after a change. An edit has both, a creation only `after`, and a deletion only `before`. */
export interface PolicyChange {
  readonly before?: Policy;
  readonly after?: Policy;
}

/** The cluster before the change. */
export interface BlastContext {
  /** The nodes by name. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** The MacvtapNetworkNodeStates by node name. If status.interfaces is absent, the effects on the node are unknown. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  /** All current sources of resources. They may contain the changed policy, which is ignored: `before` replaces it. */
  readonly wanted: Wanted;
}

/**
 * How much work is done before the generator yields. This takes a few milliseconds. One unit is the work for a node
 * that the policy does not select.
 */
const workPerSlice = 1_000;

/** The number of interfaces on a typical host. */
const usualInterfaces = 50;

/** Returns the work of planning a node before and after the change, in the units of `workPerSlice`. */
function workOfPlans(policies: number, interfaces: number): number {
  return (20 + 2 * policies) * Math.max(1, interfaces / usualInterfaces);
}

/**
 * Returns warnings about the effects of a policy change on the cluster. They list the resources that nodes lose, change
 * or gain, the devices that pods hold there, and conflicts with the selectors of other policies. Only nodes that the
 * policy selects before or after the change are affected. A node that falls back to another source gains the resources
 * of that source.
 *
 * The generator yields every few milliseconds, because the work for thousands of nodes would otherwise block the event
 * loop.
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
    work += workOfPlans(others.length, reached.interfaces.length);
    try {
      const { changes, conflicts } = blastOfNode(reached, wantedBefore, wantedAfter, after?.id ?? '');
      resources.add(node.name, changes);
      overlaps?.add(node.name, conflicts);
    } catch {
      // A bug that one node's report triggers must not suppress the warnings about all other nodes.
      unknown.push(node.name);
    }
  }
  return [...resources.verdicts(), ...(overlaps?.verdicts() ?? []), ...warnOfUnknown(unknown)];
}

/**
 * Reads a node's report. Returns undefined if the node has not reported its interfaces, or if reading the report
 * throws.
 */
export function readNode(node: NodeFacts, state: MacvtapNetworkNodeState | undefined): ReportedNode | undefined {
  try {
    const { interfaces, resources = [] } = state?.status ?? {};
    if (interfaces === undefined) return undefined;
    const held = new Map(resources.map((resource) => [resource.name, resource.held ?? 0]));
    return { node, interfaces: interfaces.map(readInterface), held };
  } catch {
    return undefined;
  }
}

function warnOfUnknown(nodes: readonly string[]): readonly Verdict[] {
  if (nodes.length === 0) return [];
  return [warnBriefly('InterfacesUnknown', 'spec', `not counted: ${countNodes(nodes)}`)];
}

/** The maximum number of separate warnings. All further changes share one last warning. */
const shownChanges = 10;

/**
 * If more resources than this change in the same way, they share one warning. A policy for all interfaces can have
 * dozens of resources.
 */
const singleResources = 3;

/** The effects in the order of their warnings. Losses come first, because pods may need the lost resources. */
const effects = {
  lost: { rank: 0, code: 'ResourceLost', one: 'loses', many: 'lose' },
  changed: { rank: 1, code: 'ResourceChanged', one: 'changes', many: 'change' },
  gained: { rank: 2, code: 'ResourceGained', one: 'gains', many: 'gain' },
} as const;

interface Tally {
  readonly change: ResourceChange;
  /** The names of the nodes, in the order in which they were added. */
  readonly nodes: string[];
  held: number;
}

/** Adds up effects one node at a time, because storing the changes of thousands of nodes would take too much memory. */
export interface BlastSummary {
  add(node: string, changes: readonly ResourceChange[]): void;
  verdicts(): readonly Verdict[];
}

/**
 * Summarizes changes, with one verdict for each resource and effect: `dataplane: 3 nodes lose it, 12 devices held: h1,
 * h2, h3`. If more than three resources change in the same way, they share a verdict: `9 resources: 3 nodes lose
 * them, …`.
 *
 * Verdicts are ordered by effect: lost, changed, gained. Among verdicts with the same effect, those about the most
 * nodes come first. The last verdict counts the changes beyond `shownChanges`.
 *
 * Emits ResourceLost, ResourceChanged, ResourceGained.
 */
export function summarizeBlast(): BlastSummary {
  const tallies = new Map<string, Tally>();
  return {
    add(node, changes) {
      for (const change of changes) {
        const key = `${change.effect} ${change.resource} ${change.how}`;
        const tally = tallies.getOrInsertComputed(key, () => ({ change, nodes: [], held: 0 }));
        tally.nodes.push(node);
        tally.held += change.held;
      }
    },
    verdicts() {
      const sorted = [...tallies.values()].sort(compareTallies);
      const groups = groupTallies(sorted);
      const rest = groups.slice(shownChanges).flat();
      return [
        ...groups.slice(0, shownChanges).map((group) => toVerdict(group, textOf(group))),
        ...(rest.length > 0 ? [toVerdict(rest, restText(rest))] : []),
      ];
    },
  };
}

/** The tallies that share one verdict; never empty. */
type Group = readonly [Tally, ...(readonly Tally[])];

/**
 * Puts tallies that differ only in their resource into one group if there are more than three of them. Every other
 * tally is a group by itself.
 */
function groupTallies(sorted: readonly Tally[]): readonly Group[] {
  const alike = Map.groupBy(sorted, ({ change: { effect, how } }) => `${effect} ${how}`);
  return [...alike.values()]
    .flatMap((group) => (group.length > singleResources ? [group] : group.map((tally) => [tally])))
    .map((group) => group as unknown as Group)
    .sort(([left], [right]) => compareTallies(left, right));
}

function toVerdict([tally]: readonly Tally[], text: string): Verdict {
  return warnBriefly(effects[(tally as Tally).change.effect].code, 'spec', text);
}

function textOf(group: Group): string {
  const [{ change: first }, ...others] = group;
  const { effect, how } = first;
  const { nodes, held } = sumOf(group);
  const subject = others.length === 0 ? first.resource : count(group.length, 'resource');
  const verb = nodes.length === 1 ? effects[effect].one : effects[effect].many;
  const isSame = group.every((tally) => tally.nodes.length === nodes.length);
  const object = others.length === 0 ? 'it' : isSame ? 'them' : 'some of them';
  const source = effect === 'gained' && how !== '' ? ` ${how}` : '';
  const details = effect === 'changed' ? `, ${how}` : '';
  const text = `${subject}: ${count(nodes.length, 'node')} ${verb} ${object}${source}${holdersOf(held)}${details}`;
  return `${text}: ${listNames(nodes)}${others.length === 0 ? '' : `; they are ${namesOf(group).join(', ')}`}`;
}

/** Returns the resources of a group. Those with held devices come first, because the end of the text may be cut. */
function namesOf(group: Group): readonly string[] {
  const byHeld = group.toSorted((left, right) => Number(right.held > 0) - Number(left.held > 0));
  return byHeld.map(({ change, held }) => (held === 0 ? change.resource : `${change.resource} (${held} held)`));
}

function sumOf(group: readonly Tally[]): { readonly nodes: readonly string[]; readonly held: number } {
  const nodes = new Set(group.flatMap((tally) => tally.nodes));
  return { nodes: [...nodes], held: group.reduce((sum, tally) => sum + tally.held, 0) };
}

function restText(rest: readonly Tally[]): string {
  const { nodes, held } = sumOf(rest);
  return `and ${count(rest.length, 'change')} more on ${count(nodes.length, 'node')}${holdersOf(held)}`;
}

function holdersOf(held: number): string {
  return held === 0 ? '' : `, ${count(held, 'device')} held`;
}

/** Orders tallies. The order is total, so that the same change always gives the same warnings. */
function compareTallies(left: Tally, right: Tally): number {
  return (
    effects[left.change.effect].rank - effects[right.change.effect].rank ||
    right.nodes.length - left.nodes.length ||
    compareNatural(left.change.resource, right.change.resource) ||
    compareNatural(left.change.how, right.change.how)
  );
}
