// SPDX-License-Identifier: Apache-2.0
import type { Cause } from './cause.ts';
import { createScope } from './create-scope.ts';
import { listChecked } from './list-checked.ts';
import { rules } from './rules.ts';
import { kindNames, nameOf, type Subject } from './subject.ts';
import { type Step, traceSteps } from './trace-steps.ts';
import type { WhyFacts } from './why-facts.ts';

/** A cause with the way that leads to it from the subject. */
export interface Explained extends Cause {
  readonly steps: readonly Step[];
}

/** What `why` answers. */
export interface Explanation {
  /** `Pod default/vm`. */
  readonly subject: string;
  /** The one to mend first comes first; empty when nothing is wrong. */
  readonly causes: readonly Explained[];
  /** What is worth knowing and in nobody's way. */
  readonly notes: readonly Explained[];
  /** What was looked at. */
  readonly checked: readonly Step[];
}

/** Walks from an object to what is wrong with it. Undefined where there is no such object. */
export function explain(subject: Subject, facts: WhyFacts): Explanation | undefined {
  const scope = createScope(subject, facts);
  if (scope === undefined) return undefined;
  const found = rules.flatMap(({ rule }) => rule(scope, facts));
  const explained = found.map((cause) => ({ ...cause, steps: traceSteps(cause, scope, facts) }));
  return {
    subject: `${kindNames[subject.kind]} ${nameOf(subject)}`,
    causes: explained.filter(({ isNote }) => !isNote),
    notes: explained.filter(({ isNote }) => isNote),
    checked: listChecked(scope, facts),
  };
}
