// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { ApiObject } from './api-object.ts';
import type { ApiClient } from './client.ts';
import { listAll } from './list-all.ts';
import { defaultTimings, type WatchTimings } from './pace.ts';
import { type Pause, pause } from './pause.ts';
import { refused } from './refused.ts';
import { readWatchEvent } from './watch-event.ts';
import { rememberFailures } from './watch-failures.ts';
import { watchLines } from './watch-lines.ts';
import { createWatchState, type WatchState } from './watch-state.ts';
import { followVersion } from './watch-version.ts';
import type { WatchedResource } from './watched-resource.ts';

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
 * server has forgotten our version (410) or does not know it yet (it was restored from a backup), or a line cannot be read
 * or taken in, everything is listed anew, and what was deleted meanwhile shows by its absence. While the server is away,
 * what is known stays.
 */
export class ListWatch implements AsyncDisposable {
  readonly #options: ListWatchOptions;
  readonly #timings: WatchTimings;
  readonly #state: WatchState;
  readonly #scope = new AbortController();
  readonly #running: Promise<void>;
  readonly #version = followVersion();
  #absentSince: number | undefined;
  #synced = false;
  #problem: MacvtapError | undefined;
  #revision = 0;
  #heardMs: number | undefined;
  /** When the watch of this run was opened. */
  #openedMs: number | undefined;

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
    const failures = rememberFailures();
    while (!signal.aborted) {
      this.#openedMs = undefined;
      const error = await this.#listAndWatch().then(
        () => undefined,
        (thrown: unknown) => MacvtapError.from(thrown),
      );
      if (signal.aborted) return;
      const endedMs = performance.now();
      const failed = failures.ended(endedMs - (this.#openedMs ?? endedMs), error);
      if (failed === undefined) continue;
      if (error !== undefined && (failed.isConcern || !this.#synced)) this.#setProblem(error);
      await (this.#options.pause ?? pause)(failed.waitMs, signal);
    }
  }

  async #listAndWatch(): Promise<void> {
    if (this.#version.current === undefined) await this.#list();
    await this.#watch();
  }

  async #list(): Promise<void> {
    const { client, resource, trim } = this.#options;
    const listed = await listAll(client, resource, { trim, signal: this.#scope.signal });
    if (!('absent' in listed)) {
      this.#absentSince = undefined;
      this.#takeIn(`list of ${resource.what}`, () => this.#state.replace(listed.objects));
      this.#version.listed(listed.version);
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
    const lines = watchLines({
      client,
      resource,
      version: this.#version.current ?? '',
      timings: this.#timings,
      signal: this.#scope.signal,
      onOpen: () => {
        this.#setProblem(undefined);
        this.#openedMs = performance.now();
        this.#heardMs = this.#openedMs;
      },
      onRefused: (status) => this.#version.refused(status),
      onSilent: () => this.#version.wasSilent(),
    });
    for await (const line of lines) {
      this.#take(line, `watch of ${resource.what}`);
      this.#heardMs = performance.now();
    }
  }

  #take(line: string, what: string): void {
    const event = readWatchEvent(line);
    switch (event.type) {
      case 'set':
      case 'delete':
        this.#goOn(event.resourceVersion, what);
        this.#takeIn(what, () => this.#state[event.type](this.#options.trim(event.object)));
        return;
      case 'bookmark':
        this.#goOn(event.resourceVersion, what);
        return;
      case 'error':
        this.#version.refused(event.status);
        throw refused(what, { status: event.status, body: event.message });
      case 'garbled':
        this.#version.forget();
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
      this.#version.forget();
      const { message } = MacvtapError.from(thrown);
      const text = `${what}: an object could not be taken in: ${message}; everything is listed anew`;
      throw new MacvtapError('Unexpected', text, { cause: thrown });
    }
  }

  #goOn(version: string, what: string): void {
    const before = this.#version.current;
    if (this.#version.heard(version)) return;
    const text = `${what}: version ${version} came after ${before}: the API server has another history; everything is listed anew`;
    throw new MacvtapError('ApiServerMalformed', text);
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
