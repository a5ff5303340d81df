// SPDX-License-Identifier: Apache-2.0
import { printable } from '../../runtime/text-table.ts';
import type { View } from './view.ts';

/** Says on standard error what a view lacks, so that what is not told is not taken for what is not there. */
export function tellGaps({ missing, faults }: Pick<View, 'missing' | 'faults'>): void {
  for (const { what, message } of missing) console.error(printable(`${what}: not read: ${message}`));
  for (const { where, message } of faults) console.error(printable(`${where}: ${message}`));
}
