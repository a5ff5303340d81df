// SPDX-License-Identifier: Apache-2.0
import type { Explained, Explanation } from '../../policy/why/explain.ts';
import type { MissingPart } from '../view/view.ts';

/** More names than a script can use; the number says how many there are. */
const mostNodes = 100;

/** What a script gets. */
export interface WhyReport extends Pick<Explanation, 'subject' | 'checked'> {
  readonly isWell: boolean;
  readonly causes: readonly ReportedCause[];
  readonly notes: readonly ReportedCause[];
  /** What could not be read, so that nothing is known of it. */
  readonly missing: readonly MissingPart[];
}

type ReportedCause = Omit<Explained, 'isNote'> & { readonly nodeCount?: number };

export function toReport(explanation: Explanation, missing: readonly MissingPart[]): WhyReport {
  const { subject, causes, notes, checked } = explanation;
  return {
    subject,
    isWell: causes.length === 0,
    causes: causes.map(toReported),
    notes: notes.map(toReported),
    checked,
    missing,
  };
}

function toReported({ isNote: _, nodes, ...cause }: Explained): ReportedCause {
  return { ...cause, ...(nodes !== undefined && { nodes: nodes.slice(0, mostNodes), nodeCount: nodes.length }) };
}
