// SPDX-License-Identifier: Apache-2.0
import type { Figure } from './figure.ts';

/** A part of the bench: sets up what it needs, measures, takes it down, and answers with its lines of the table. */
export interface BenchRow {
  /** For --only. @example 'allocate' */
  readonly name: string;
  /** Whether it makes network namespaces and links. */
  readonly needsRoot: boolean;
  /** It takes so long that it is measured only when --only names it. */
  readonly onlyNamed?: true;
  /** `tell` says how far it is. What it throws is a row that could not be measured. */
  readonly measure: (tell: (text: string) => void) => Promise<readonly Figure[]>;
}
