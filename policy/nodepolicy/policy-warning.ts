// SPDX-License-Identifier: Apache-2.0
import type { Labels } from '../plan/match-labels.ts';
import type { NodeFacts } from '../plan/match-node.ts';
import type { Verdict } from '../reasons.ts';
import type { Policy } from './read-policy.ts';

/** What a warning needs beside the policy. */
export interface WarningContext {
  /** Other policies; the policy's own earlier version may be among them and is passed over. */
  readonly others: readonly Policy[];
  /** The nodes that are known, by name. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** The labels of the namespaces that are known, by name. */
  readonly namespaces?: ReadonlyMap<string, Labels>;
  /** On an update: the policy as it was. */
  readonly earlier?: Policy;
}

/** Tells what is legal, but may surprise whoever wrote the policy. Of severity warn only. */
export type PolicyWarning = (policy: Policy, context: WarningContext) => readonly Verdict[];
