// SPDX-License-Identifier: Apache-2.0
import { type Verdict, warn } from '../../policy/reasons.ts';

/** What the files leave out that a cluster would have. */
export interface Gaps {
  /** Nothing in the files offers anything, and nobody said what that is to mean. */
  readonly offersUnknown: boolean;
}

/**
 * A refusal that only says what the files do not hold becomes a warning which says what to add: the cluster that the
 * object is meant for may have it.
 */
export function soften(verdict: Verdict, { offersUnknown }: Gaps): Verdict {
  const { severity, code, path, detail } = verdict;
  if (code === 'NamespaceUnknown' && severity === 'deny') {
    return warn(code, path, `${detail}; add the Namespace to the files to have it judged`);
  }
  if (offersUnknown && (code === 'ResourceUnknown' || code === 'ResourceMissing')) {
    return warn(code, path, `${detail}; lint it beside the policies to have it judged`);
  }
  return verdict;
}
