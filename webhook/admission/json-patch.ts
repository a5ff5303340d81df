// SPDX-License-Identifier: Apache-2.0
import { applyEdits } from '../../cluster/objects/apply-edits.ts';
import type { Mutation } from '../../policy/edit.ts';
import type { Verdict } from '../../policy/reasons.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Judgement } from './judgement.ts';

/**
 * What a mutation makes of an object, tried out before it leaves: it must apply, and a valid object must stay valid. Of an
 * object that has faults of its own the patch is still sent: validation, which comes after it, says what they are, and
 * says it better of a complete object.
 *
 * `review` judges the object by itself, without the leniency towards what an update leaves as it was.
 *
 * Raises Unexpected for a patch that does not apply or does harm: the rules that made it have a bug.
 */
export function tryMutation<Reviewed extends object>(
  object: Reviewed,
  { edits, verdicts }: Mutation,
  review: (object: Reviewed) => readonly Verdict[],
): Judgement {
  if (edits.length === 0) return { verdicts };
  const made = review(applyEdits(object, edits)).find(({ severity }) => severity === 'deny');
  if (made !== undefined && !review(object).some(({ severity }) => severity === 'deny')) {
    throw new MacvtapError('Unexpected', `the patch makes a valid object invalid: ${made.code} ${made.path}`);
  }
  return { verdicts, edits };
}
