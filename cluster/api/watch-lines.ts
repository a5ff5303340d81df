// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { ApiClient } from './client.ts';
import { type WatchTimings, watchSeconds } from './pace.ts';
import { refused } from './refused.ts';
import { startWatchdog } from './watchdog.ts';
import { acceptFor, queryFor, type WatchedResource } from './watched-resource.ts';

export interface WatchLinesOptions {
  readonly client: ApiClient;
  readonly resource: WatchedResource;
  /** Where to watch from. */
  readonly version: string;
  readonly timings: WatchTimings;
  readonly signal: AbortSignal;
  /** The server has begun to answer. */
  readonly onOpen: () => void;
  /** Told the HTTP status of a refusal, before it is raised. */
  readonly onRefused: (status: number) => void;
  /** Told that the watch was cut without a single line of it, before that is raised. */
  readonly onSilent: () => void;
}

/**
 * The lines of one watch, each a WatchEvent in JSON, until the server ends it. Raises what the server refuses with, and
 * `ApiServerUnreachable` when nothing was heard for `staleMs`.
 */
export async function* watchLines(options: WatchLinesOptions): AsyncGenerator<string, void, undefined> {
  const { client, resource, version, timings, signal, onOpen, onRefused, onSilent } = options;
  const { staleMs } = timings;
  const query = queryFor(resource, {
    watch: '1',
    allowWatchBookmarks: 'true',
    resourceVersion: version,
    timeoutSeconds: String(watchSeconds(timings)),
  });
  const accept = acceptFor(resource, 'watch');
  using stream = await client.stream(`${resource.path}?${query}`, { accept, signal });
  const what = `watch of ${resource.what}`;
  if (stream.status !== 200) {
    onRefused(stream.status);
    throw refused(what, { body: undefined, ...stream });
  }
  onOpen();
  using watchdog = startWatchdog(staleMs, () => stream[Symbol.dispose]());
  let isHeard = false;
  try {
    for await (const line of stream.lines) {
      isHeard = true;
      watchdog.heard();
      yield line;
    }
  } catch (thrown) {
    if (!watchdog.barked) throw thrown;
    if (!isHeard) onSilent();
    const text = `${client.server}: ${what}: nothing heard for ${staleMs} ms; the connection was cut and is made anew`;
    throw new MacvtapError('ApiServerUnreachable', text, { cause: thrown });
  }
}
