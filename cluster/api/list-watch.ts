// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { ApiObject } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { isUnreachable } from './is-unreachable.ts';
import { listAll } from './list-all.ts';
import { backOffMs, countFailures, defaultTimings, type WatchTimings, watchSeconds } from './pace.ts';
import { type Pause, pause } from './pause.ts';
import { refused } from './refused.ts';
import { readWatchEvent } from './watch-event.ts';
import { createWatchState, type WatchState } from './watch-state.ts';
import { startWatchdog } from './watchdog.ts';
import { acceptFor, queryFor, type WatchedResource } from './watched-resource.ts';

export interface ListWatchOptions {
  readonly client: ApiClient;
  readonly resource: WatchedResource;
  /** What of an object counts; nothing else is kept. */
  readonly trim: (object: ApiObject) => ApiObject;
  /** Called after the objects, `synced` or the problem changed. */
  readonly onChange: () => void;
  readonly timings?: Partial<WatchTimings> | undefined;
  readonly pause?: Pause;
}

/**
 * The objects of one resource, kept up to date: listed in pages, then watched from there. Every watch has an end that the
 * server keeps, and one that we keep should nothing be heard; what breaks is begun again after a jittered wait. When the
 * server has forgotten our version (410), or a line cannot be read or taken in, everything is listed anew, and what was
 * deleted meanwhile shows by its absence. While the server is away, what is known stays.
 */
export class ListWatch implements AsyncDisposable {
  readonly #options: ListWatchOptions;
  readonly #timings: WatchTimings;
  readonly #state: WatchState;
  readonly #scope = new AbortController();
  readonly #running: Promise<void>;
  /** Where to watch from; undefined: list first. */
  #version: string | undefined;
  #absentSince: number | undefined;
  #synced = false;
  #problem: MacvtapError | undefined;
  #revision = 0;
  #heardMs: number | undefined;

  constructor(options: ListWatchOptions) {
    this.#options = options;
    this.#timings = { ...defaultTimings, ...options.timings };
    this.#state = createWatchState();
    this.#running = this.#run();
  }

  get resource(): WatchedResource {
    return this.#options.resource;
  }

  get objects(): ReadonlyMap<string, ApiObject> {
    return this.#state.objects;
  }

  /** Another number whenever the objects are others. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether everything was read once. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Why nothing new is heard; a watch that ends and is begun again at once is none. */
  get problem(): MacvtapError | undefined {
    return this.#problem;
  }

  /**
   * When the server last confirmed what is known, of performance.now(): by a list, or by anything on a watch. On one that is
   * good it sends a bookmark about every minute.
   */
  get heardMs(): number | undefined {
    return this.#heardMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#scope.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#scope;
    let failures = 0;
    /** How many of them, the last ones, were a version that the server has forgotten. */
    let forgotten = 0;
    while (!signal.aborted) {
      const begun = performance.now();
      const error = await this.#listAndWatch().then(
        () => undefined,
        (thrown: unknown) => MacvtapError.from(thrown),
      );
      if (signal.aborted) return;
      failures = countFailures(failures, { lastedMs: performance.now() - begun, failed: error !== undefined });
      forgotten = error?.facts.status === 410 ? forgotten + 1 : 0;
      if (failures === 0) continue;
      // A server that was away often has forgotten; that it answers again ends the row of those when it did not.
      const inRow = forgotten > 0 ? forgotten : failures;
      if (error !== undefined && (inRow > tolerated(error) || !this.#synced)) this.#setProblem(error);
      const retryAfterMs = Number(error?.facts.retryAfterMs ?? 0);
      const isOutage = error !== undefined && isUnreachable(error);
      await (this.#options.pause ?? pause)(backOffMs(inRow, { retryAfterMs, isOutage }), signal);
    }
  }

  async #listAndWatch(): Promise<void> {
    if (this.#version === undefined) await this.#list();
    await this.#watch();
  }

  async #list(): Promise<void> {
    const { client, resource, trim } = this.#options;
    const listed = await listAll(client, resource, { trim, signal: this.#scope.signal });
    if (!('absent' in listed)) {
      this.#absentSince = undefined;
      this.#takeIn(`list of ${resource.what}`, () => this.#state.replace(listed.objects));
      this.#version = listed.version;
      this.#heardMs = performance.now();
      return;
    }
    // No such resource: there can be none of its objects. That is to be believed only when it stays so, since an API
    // server among several may be behind.
    this.#absentSince ??= performance.now();
    const isCertain =
      this.#state.objects.size === 0 || performance.now() - this.#absentSince >= this.#timings.absenceMs;
    if (isCertain) {
      this.#accept(this.#state.replace([]));
      this.#heardMs = performance.now();
    }
    throw listed.absent;
  }

  async #watch(): Promise<void> {
    const { client, resource } = this.#options;
    const { staleMs } = this.#timings;
    const query = queryFor(resource, {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: String(watchSeconds(this.#timings)),
    });
    const accept = acceptFor(resource, 'watch');
    using stream = await client.stream(`${resource.path}?${query}`, { accept, signal: this.#scope.signal });
    const what = `watch of ${resource.what}`;
    if (stream.status !== 200) throw this.#broken(stream.status, refused(what, { body: undefined, ...stream }));
    this.#setProblem(undefined);
    this.#heardMs = performance.now();
    using watchdog = startWatchdog(staleMs, () => stream[Symbol.dispose]());
    try {
      for await (const line of stream.lines) {
        watchdog.heard();
        this.#take(line, what);
        this.#heardMs = performance.now();
      }
    } catch (thrown) {
      if (!watchdog.barked) throw thrown;
      const text = `${client.server}: ${what}: nothing heard for ${staleMs} ms; the connection was cut and is made anew`;
      throw new MacvtapError('ApiServerUnreachable', text, { cause: thrown });
    }
  }

  #take(line: string, what: string): void {
    const event = readWatchEvent(line);
    switch (event.type) {
      case 'set':
      case 'delete':
        this.#takeIn(what, () => this.#state[event.type](this.#options.trim(event.object)));
        this.#version = event.resourceVersion;
        return;
      case 'bookmark':
        this.#version = event.resourceVersion;
        return;
      case 'error':
        throw this.#broken(event.status, refused(what, { status: event.status, body: event.message }));
      case 'garbled':
        this.#version = undefined;
        throw new MacvtapError('ApiServerMalformed', `${what}: ${event.message}; everything is listed anew`);
    }
  }

  /**
   * Changes the objects. That this throws is a bug, and perhaps one that only this version of an object wakes. The event
   * would be lost if the watch went on behind it, so that everything is listed anew, after a wait.
   */
  #takeIn(what: string, change: () => boolean): void {
    try {
      this.#accept(change());
    } catch (thrown) {
      this.#version = undefined;
      const { message } = MacvtapError.from(thrown);
      const text = `${what}: an object could not be taken in: ${message}; everything is listed anew`;
      throw new MacvtapError('Unexpected', text, { cause: thrown });
    }
  }

  /** Of a refusal only these say nothing about the version that we watch from; after any other one it is not kept. */
  #broken(status: number, error: MacvtapError): MacvtapError {
    if (![401, 403, 429, 500, 502, 503, 504].includes(status)) this.#version = undefined;
    return error;
  }

  #accept(changed: boolean): void {
    if (!changed && this.#synced) return;
    this.#synced = true;
    this.#revision += 1;
    this.#options.onChange();
  }

  #setProblem(problem: MacvtapError | undefined): void {
    if (problem?.message === this.#problem?.message) return;
    this.#problem = problem;
    this.#options.onChange();
  }
}

/**
 * How many failures in a row are nobody's concern: a watch that breaks and is begun again at once, and a version that the
 * server has forgotten, which asks for a new list and then perhaps for one more. A bug is somebody's concern at once.
 */
function tolerated({ code, facts }: MacvtapError): number {
  if (code === 'Unexpected') return 0;
  return facts.status === 410 ? 3 : 1;
}
