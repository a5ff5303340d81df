// SPDX-License-Identifier: Apache-2.0
import type { CauseCode } from './causes.ts';
import type { Scope } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/** What mends a cause. */
export interface Fix {
  /** What to do, as a sentence without a full stop. */
  readonly text: string;
  /** Lines for a shell on the nodes of the cause, before the others. */
  readonly onNode?: readonly string[];
  /** Lines for a shell wherever kubectl is, in order; empty where only a person can decide. */
  readonly commands: readonly string[];
}

/**
 * Why something is not as it is wished.
 *
 * @example { code: 'NodeNotSelected', isNote: false, policy: 'macvtap-cni/p', nodes: ['h3'],
 *   detail: 'label macvtapAware=true is missing', fix: { text: 'label the node', commands: ['kubectl label …'] } }
 */
export interface Cause {
  readonly code: CauseCode;
  /** Worth knowing, and in nobody's way. */
  readonly isNote: boolean;
  /** The way from the subject to here. */
  readonly network?: string;
  readonly resource?: string;
  readonly policy?: string;
  /** Where it holds, in natural order. */
  readonly nodes?: readonly string[];
  /** The values of the case. */
  readonly detail: string;
  readonly fix: Fix;
}

/** One cause's rule: all that it finds in a scope. */
export type CauseRule = (scope: Scope, facts: WhyFacts) => readonly Cause[];
