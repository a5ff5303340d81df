// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import type { PluginNode } from './plugin-node.ts';
import { readLedgerText } from './read-ledger-text.ts';

/**
 * Returns the devices in a node's ledger on the disk. The file contains a JSON text, followed by lines with the changes
 * since.
 */
export async function readLedgerDevices({ stateDirectory }: PluginNode): Promise<readonly string[]> {
  const text = await readLedgerText(join(stateDirectory, 'ledger.json'));
  const [whole = '', lines = ''] = text.split(/(?<=^}\n)/m);
  const changes = lines.split('\n').filter((line) => line !== '');
  const parts = [whole, ...changes].map((part) => (JSON.parse(part) as { devices: object }).devices);
  const devices = Object.entries(Object.assign({}, ...parts) as Record<string, unknown>);
  return devices.flatMap(([id, record]) => (record === null ? [] : [id])).sort();
}
