// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PluginNode } from './plugin-node.ts';

/** The devices in a node's ledger as it lies on the disk. */
export async function readLedgerDevices({ stateDirectory }: PluginNode): Promise<readonly string[]> {
  const text = await readFile(join(stateDirectory, 'ledger.json'), 'utf8');
  const { devices } = JSON.parse(text) as { devices: Readonly<Record<string, unknown>> };
  return Object.keys(devices).sort();
}
