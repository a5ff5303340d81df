// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, quote } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { refused } from './api-errors.ts';
import { type ApiObject, acceptFor, isApiObject, queryFor, type WatchedResource } from './api-resource.ts';
import type { ApiClient } from './client.ts';

export interface WatchLinesOptions {
  readonly client: ApiClient;
  readonly resource: WatchedResource;
  /** The version to watch from. */
  readonly version: string;
  readonly timings: WatchTimings;
  readonly signal: AbortSignal;
  /** Called when the server has accepted the watch. */
  readonly onOpen: () => void;
  /** Called with the HTTP status of a refusal, before the error is raised. */
  readonly onRefused: (status: number) => void;
  /** Called when the watch was silent for too long and not a single line had arrived, before the error is raised. */
  readonly onSilent: () => void;
}

/**
 * Yields the lines of one watch, each a WatchEvent in JSON, until the server ends it. Raises ApiServerRefused, and
 * ApiServerUnreachable if nothing arrived for `staleMs`.
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
  let hasLines = false;
  try {
    for await (const line of stream.lines) {
      hasLines = true;
      watchdog.restart();
      yield line;
    }
  } catch (thrown) {
    if (!watchdog.hasFired) throw thrown;
    if (!hasLines) onSilent();
    const text = `${client.server}: ${what}: no event for ${staleMs} ms; the connection was cut, watching again`;
    throw new MacvtapError('ApiServerUnreachable', text, { cause: thrown });
  }
}

/** A timer that fires when nothing arrives for a while. */
interface Watchdog extends Disposable {
  /** Restarts the timer, because something arrived. */
  restart(): void;
  readonly hasFired: boolean;
}

/** Calls `onSilence` once when nothing arrived for `silenceMs`. */
function startWatchdog(silenceMs: number, onSilence: () => void): Watchdog {
  let hasFired = false;
  const timer = setTimeout(() => {
    hasFired = true;
    onSilence();
  }, silenceMs);
  return {
    restart: () => void (hasFired || timer.refresh()),
    get hasFired() {
      return hasFired;
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** One line of a watch, decoded. */
export type WatchEvent =
  | { readonly type: 'set' | 'delete'; readonly object: ApiObject; readonly resourceVersion: string }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  | { readonly type: 'error'; readonly status: number; readonly message: string }
  | { readonly type: 'malformed'; readonly message: string };

/**
 * Decodes one line: `{"type":"ADDED","object":{…}}`. A line that is not an event counts as malformed and is not
 * skipped, because it may be a damaged event.
 */
export function readWatchEvent(line: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (thrown) {
    return malformed(`invalid JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  if (!isJsonObject(event) || !isJsonObject(event.object)) return malformed('not an event');
  const { type, object } = event;
  if (type === 'ERROR') {
    const { code, message, reason } = object;
    return {
      type: 'error',
      status: typeof code === 'number' && code > 0 ? code : 500,
      message: textOf(message ?? reason),
    };
  }
  const resourceVersion = isJsonObject(object.metadata) ? object.metadata.resourceVersion : undefined;
  if (typeof resourceVersion !== 'string' || resourceVersion === '') return malformed('an event without a version');
  if (type === 'BOOKMARK') return { type: 'bookmark', resourceVersion };
  if (!isApiObject(object)) return malformed('an event about an object without a name');
  if (type === 'ADDED' || type === 'MODIFIED') return { type: 'set', object, resourceVersion };
  if (type === 'DELETED') return { type: 'delete', object, resourceVersion };
  return malformed(`an event of the unknown type ${textOf(type)}`);
}

/** Returns a value as text. `String()` would throw for a list that is thousands of levels deep. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : quote(value);
}

function malformed(message: string): WatchEvent {
  return { type: 'malformed', message };
}

/** The time-outs of list and watch. Tests shorten them. */
export interface WatchTimings {
  /** The server ends each watch after one to two times this long. The next watch may reach another API server. */
  readonly watchMs: number;
  /**
   * A watch that receives no event for this long is closed. API servers send a bookmark about every minute
   * (bookmarkFrequency in k8s.io/apiserver's cacher), so a watch that misses two is dead. Its connection may be half
   * open.
   */
  readonly staleMs: number;
  /** A resource that disappeared (404) counts as empty only after this long. */
  readonly absenceMs: number;
}

export const defaultTimings: WatchTimings = { watchMs: 300_000, staleMs: 150_000, absenceMs: 10_000 };

/** Returns the value of `timeoutSeconds`. The API server accepts whole seconds; 0 means its default. */
export function watchSeconds({ watchMs }: WatchTimings, random: () => number = Math.random): number {
  return Math.max(1, Math.round((watchMs * (1 + random())) / 1_000));
}
