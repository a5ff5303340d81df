// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';
import { wantedFrom } from '../cluster/wanted.ts';
import { blastRadius, type PolicyChange } from '../policy/blast/blast-radius.ts';
import type { Verdict } from '../policy/reasons.ts';
import type { ReviewDeps } from './review-deps.ts';

/** What a change of a policy does to the nodes; or why that cannot be told. */
export interface Blast {
  readonly verdicts: readonly Verdict[];
  readonly notice?: string;
}

/**
 * Plans every node that the change can reach twice, in slices between which other reviews are answered. It only informs, so
 * it gives up when the signal ends instead of holding the answer back.
 */
export async function measureBlast(
  change: PolicyChange,
  { source, exposure }: Pick<ReviewDeps, 'source' | 'exposure'>,
  signal: AbortSignal,
): Promise<Blast> {
  if (!source.synced)
    return { verdicts: [], notice: 'what nodes gain, lose or change is not known yet: nodes were not read' };
  const { snapshot } = source;
  const steps = blastRadius(change, { ...snapshot, wanted: wantedFrom(snapshot, exposure) });
  let step = steps.next();
  while (!step.done) {
    if (signal.aborted) return { verdicts: [], notice: 'what nodes gain, lose or change could not be told in time' };
    await setImmediate();
    step = steps.next();
  }
  return { verdicts: step.value };
}
