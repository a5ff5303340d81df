// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../../process/start-process.ts';
import { residentBytes } from '../resident-bytes.ts';

/** How long to wait until the work after a start or a load is done. It is the same for each process. */
export const idleMs = 1_000;

/** Returns the resident memory of a Node.js of the same version that only keeps a timer. */
export async function bareNodeBytes(): Promise<number> {
  const command = [process.execPath, '-e', 'setInterval(() => {}, 1e9)'] as const;
  await using bare = startProcess({ name: 'bare Node.js', command });
  await sleep(idleMs);
  return await residentBytes(bare.pid);
}
