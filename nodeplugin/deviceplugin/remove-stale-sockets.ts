// SPDX-License-Identifier: Apache-2.0
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isListening } from './is-listening.ts';
import { socketNamePattern } from './socket-path.ts';

/**
 * Removes the sockets that a killed process of ours left in kubelet's directory: those of our name on which nobody
 * listens. To be called once, before the first server. A directory that is missing has none. Returns the removed names.
 */
export async function removeStaleSockets(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  const ours = entries.filter((entry) => entry.isSocket() && socketNamePattern.test(entry.name));
  const removed = await Promise.all(
    ours.map(async ({ name }) => {
      const path = join(directory, name);
      if ((await isListening(path)) !== 'no') return undefined;
      // Kubelet wipes the same directory: what is gone already is as good as removed.
      return unlink(path).then(
        () => name,
        () => undefined,
      );
    }),
  );
  return removed.filter((name) => name !== undefined).sort();
}
