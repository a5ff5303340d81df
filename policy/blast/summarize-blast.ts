// SPDX-License-Identifier: Apache-2.0
import { count, listNames, warnBriefly } from '../nodepolicy/brief-text.ts';
import { compareNatural } from '../plan/natural-order.ts';
import type { Verdict } from '../reasons.ts';
import type { ResourceChange } from './blast-of-node.ts';

/** How many kinds of change are told one by one. */
const shownChanges = 10;

/** The order in which they are told: what pods may miss comes first. */
const effects = {
  lost: { rank: 0, code: 'ResourceLost', one: 'loses it', many: 'lose it' },
  changed: { rank: 1, code: 'ResourceChanged', one: 'changes it', many: 'change it' },
  gained: { rank: 2, code: 'ResourceGained', one: 'gains it', many: 'gain it' },
} as const;

interface Tally {
  readonly change: ResourceChange;
  /** In the order of the nodes. */
  readonly nodes: string[];
  held: number;
}

/** Adds up what a change does, node by node: the accounts of thousands of nodes are too much to keep to the end. */
export interface BlastSummary {
  add(node: string, changes: readonly ResourceChange[]): void;
  verdicts(): readonly Verdict[];
}

/**
 * What a change does to the nodes, one verdict for each resource and effect: `dataplane: 3 nodes lose it, 12 devices held:
 * h1, h2, h3`. Losses come first, then what reaches most nodes; what is too much to tell is counted in the last.
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
      const rest = sorted.slice(shownChanges);
      return [
        ...sorted.slice(0, shownChanges).map((tally) => tell(tally, textOf(tally))),
        ...rest.slice(0, 1).map((tally) => tell(tally, restText(rest))),
      ];
    },
  };
}

function tell({ change }: Tally, text: string): Verdict {
  return warnBriefly(effects[change.effect].code, 'spec', text);
}

function textOf({ change: { resource, effect, how }, nodes, held }: Tally): string {
  const verb = nodes.length === 1 ? effects[effect].one : effects[effect].many;
  const source = effect === 'gained' && how !== '' ? ` ${how}` : '';
  const details = effect === 'changed' ? `, ${how}` : '';
  return `${resource}: ${count(nodes.length, 'node')} ${verb}${source}${holdersOf(held)}${details}: ${listNames(nodes)}`;
}

function restText(rest: readonly Tally[]): string {
  const nodes = new Set(rest.flatMap((tally) => tally.nodes));
  const held = rest.reduce((sum, tally) => sum + tally.held, 0);
  return `and ${count(rest.length, 'change')} more on ${count(nodes.size, 'node')}${holdersOf(held)}`;
}

function holdersOf(held: number): string {
  return held === 0 ? '' : `, ${count(held, 'device')} held`;
}

/** Total, so that the same change is always told in the same words. */
function compareTallies(left: Tally, right: Tally): number {
  return (
    effects[left.change.effect].rank - effects[right.change.effect].rank ||
    right.nodes.length - left.nodes.length ||
    compareNatural(left.change.resource, right.change.resource) ||
    compareNatural(left.change.how, right.change.how)
  );
}
