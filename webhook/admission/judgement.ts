// SPDX-License-Identifier: Apache-2.0
import type { Edit } from '../../policy/edit.ts';
import type { Verdict } from '../../policy/reasons.ts';
import type { Deadlines } from '../read-deadlines.ts';
import type { AdmissionRequest } from './admission-review.ts';

/** What a handler says of a request. One denial among the verdicts refuses the object, whatever the edits. */
export interface Judgement {
  readonly verdicts: readonly Verdict[];
  readonly edits?: readonly Edit[];
  /** What is told before the warnings of the verdicts, as it is: how far they go. */
  readonly warnings?: readonly string[];
}

export const reviewedKinds = ['NetworkAttachmentDefinition', 'Pod', 'MacvtapNetworkNodePolicy'] as const;
export const verbs = ['mutate', 'validate'] as const;

/** One of the paths. */
export interface Endpoint {
  /** @example '/mutate/pods' */
  readonly path: string;
  readonly kind: (typeof reviewedKinds)[number];
  readonly verb: (typeof verbs)[number];
  /** Whether an object passes, with a warning, when no judgement is reached: by a bug, or by a look-up that failed. */
  readonly onTrouble: 'refuse' | 'pass';
  /** Judges. Raises LookupFailed, which is no bug. */
  readonly judge: (request: AdmissionRequest, deadlines: Deadlines) => Judgement | Promise<Judgement>;
}
