// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** What a ledger's file says, without the room for more behind it. */
export async function readLedgerText(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).replace(/\0+$/, '');
}
