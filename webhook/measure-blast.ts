// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';
import type { Snapshot } from '../cluster/snapshot.ts';
import { wantedFrom } from '../cluster/wanted.ts';
import { blastRadius, type PolicyChange } from '../policy/blast/blast-radius.ts';
import type { NodeFacts } from '../policy/plan/match-node.ts';
import type { Verdict } from '../policy/reasons.ts';
import type { ReviewDeps } from './review-deps.ts';

/** What a change of a policy does to the nodes; and why that is not all of it. */
export interface Blast {
  readonly verdicts: readonly Verdict[];
  readonly notice?: string;
}

/**
 * Plans every node that the change can reach twice, in slices between which other reviews are answered. It only informs, so
 * when the answer is due it tells what was counted until then, and of how many nodes.
 */
export async function measureBlast(
  change: PolicyChange,
  { source, exposure }: Pick<ReviewDeps, 'source' | 'exposure'>,
  isDue: () => boolean,
): Promise<Blast> {
  if (!source.synced)
    return { verdicts: [], notice: 'what nodes gain, lose or change is not known yet: nodes were not read' };
  const { snapshot } = source;
  const { nodes, count } = nodesUntil(snapshot.nodes, isDue);
  const steps = blastRadius(change, { ...snapshot, nodes, wanted: wantedFrom(snapshot, exposure) });
  let step = steps.next();
  while (!step.done) {
    await setImmediate();
    step = steps.next();
  }
  const [counted, all] = [count(), snapshot.nodes.size];
  if (counted === all) return { verdicts: step.value };
  return { verdicts: step.value, notice: `what is told of nodes is of ${counted} of ${all} nodes: time was up` };
}

/** Nodes that run out when the answer is due, and how many of them were taken. */
function nodesUntil(all: Snapshot['nodes'], isDue: () => boolean) {
  let counted = 0;
  const nodes = new Map(all);
  nodes.values = function* values(): MapIterator<NodeFacts> {
    for (const node of all.values()) {
      if (isDue()) return undefined;
      counted += 1;
      yield node;
    }
  };
  return { nodes, count: () => counted };
}
