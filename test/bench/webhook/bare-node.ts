// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../../process/start-process.ts';
import { residentBytes } from '../resident-bytes.ts';

/** Until what a start, or a load, left to do is done, the same for each process. */
export const idleMs = 1_000;

/** What a Node.js of the same version has in memory that only keeps a timer. */
export async function bareNodeBytes(): Promise<number> {
  const command = [process.execPath, '-e', 'setInterval(() => {}, 1e9)'] as const;
  await using bare = startProcess({ name: 'bare Node.js', command });
  await sleep(idleMs);
  return await residentBytes(bare.pid);
}
