// SPDX-License-Identifier: Apache-2.0
import jsonpatch from 'jsonpatch';
import type { Edit } from '../../policy/edit.ts';
import { MacvtapError } from '../../runtime/errors.ts';

/**
 * An object with edits applied; what they do not touch is shared with the object, which stays as it is. Raises Unexpected
 * where they do not apply: who made them has a bug.
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
