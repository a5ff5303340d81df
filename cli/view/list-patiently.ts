// SPDX-License-Identifier: Apache-2.0
import { setTimeout as wait } from 'node:timers/promises';
import { listAll } from '../../cluster/api/list-all.ts';
import { MacvtapError } from '../../runtime/errors.ts';

/** How often more, and how long at most, as kubectl does it. */
const mostRetries = 10;
const longestMs = 10_000;

/** Lists a resource; an API server that has too much to do says when it may be asked again, and is. Raises what `listAll` raises. */
export async function listPatiently(...[client, resource, options]: Parameters<typeof listAll>) {
  for (let left = mostRetries; ; left -= 1) {
    try {
      return await listAll(client, resource, options);
    } catch (thrown) {
      const { retryAfterMs } = MacvtapError.from(thrown).facts;
      if (left === 0 || typeof retryAfterMs !== 'number') throw thrown;
      await wait(Math.min(retryAfterMs, longestMs), undefined, { signal: options.signal });
    }
  }
}
