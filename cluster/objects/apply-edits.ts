// SPDX-License-Identifier: Apache-2.0
import jsonpatch from 'jsonpatch';
import type { Edit } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';

/**
 * Applies edits to a copy of an object. The copy shares unchanged values with the original. Raises Unexpected if the
 * edits do not apply, which is a bug in the rule that made them.
 */
export function applyEdits<Edited extends object>(object: Edited, edits: readonly Edit[]): Edited {
  try {
    return jsonpatch.apply_patch(object, [...edits]);
  } catch (cause) {
    const paths = edits.map(({ path }) => path).join(', ');
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new MacvtapError('Unexpected', `the patch of ${paths} does not apply: ${text}`, { cause });
  }
}
