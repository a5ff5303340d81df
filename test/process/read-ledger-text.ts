// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** Returns the text of a ledger's file, without the reserved space at its end. */
export async function readLedgerText(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).replace(/\0+$/, '');
}
