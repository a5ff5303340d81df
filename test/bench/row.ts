// SPDX-License-Identifier: Apache-2.0
import type { Figure } from './figure.ts';

/** A part of the bench. It sets up what it needs, measures, cleans up, and returns its lines of the table. */
export interface BenchRow {
  /** The name for --only. @example 'allocate' */
  readonly name: string;
  /** Whether it makes network namespaces and links. */
  readonly needsRoot: boolean;
  /** Set if the row takes so long that it is measured only when --only names it. */
  readonly onlyNamed?: true;
  /** Calls `report` with its progress. An error means that the row could not be measured. */
  readonly measure: (report: (text: string) => void) => Promise<readonly Figure[]>;
}
