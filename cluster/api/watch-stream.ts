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
  /** Called when the server accepted the watch. */
  readonly onOpen: () => void;
  /** Called with the HTTP status of a refusal, before the error is raised. */
  readonly onRefused: (status: number) => void;
  /** Called before the error is raised, if the watch received no line at all for `staleMs`. */
  readonly onSilent: () => void;
}

/**
 * Yields the lines of one watch until the server ends it. Each line is a WatchEvent in JSON. Raises ApiServerRefused.
 * Raises ApiServerUnreachable if nothing arrives for `staleMs`.
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
  /** Restarts the timer after something arrived. */
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

/** A decoded line of a watch. */
export type WatchEvent =
  | { readonly type: 'set' | 'delete'; readonly object: ApiObject; readonly resourceVersion: string }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  | { readonly type: 'error'; readonly status: number; readonly message: string }
  | { readonly type: 'malformed'; readonly message: string };

/**
 * Decodes one line: `{"type":"ADDED","object":{…}}`. A line that is not an event is malformed. It must not be skipped,
 * because it may be a damaged event.
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

/** Returns a value as text. `String()` would throw for a list that is nested thousands of levels deep. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : quote(value);
}

function malformed(message: string): WatchEvent {
  return { type: 'malformed', message };
}

/** The time limits of list and watch. Tests shorten them. */
export interface WatchTimings {
  /**
   * The server ends each watch after a random time from this to twice this long. The next watch may reach another API
   * server.
   */
  readonly watchMs: number;
  /**
   * A watch that receives nothing for this long is closed. API servers send a bookmark about every minute
   * (bookmarkFrequency in k8s.io/apiserver's cacher). A watch that misses two bookmarks is dead, even if its connection
   * seems open.
   */
  readonly staleMs: number;
  /** A resource that disappeared (404) counts as empty after this time. */
  readonly absenceMs: number;
}

export const defaultTimings: WatchTimings = { watchMs: 300_000, staleMs: 150_000, absenceMs: 10_000 };

/**
 * Returns the value of `timeoutSeconds`, in whole seconds and never 0, because the API server replaces 0 with its
 * default.
 */
export function watchSeconds({ watchMs }: WatchTimings, random: () => number = Math.random): number {
  return Math.max(1, Math.round((watchMs * (1 + random())) / 1_000));
}
