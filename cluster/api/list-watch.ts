// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { type Pause, pause } from '../../runtime/pause.ts';
import { refused } from './api-errors.ts';
import { type ApiObject, listAll, type WatchedResource } from './api-resource.ts';
import { rememberFailures } from './back-off.ts';
import type { ApiClient } from './client.ts';
import { createWatchState, followVersion, type WatchState } from './watch-state.ts';
import { defaultTimings, readWatchEvent, type WatchTimings, watchLines } from './watch-stream.ts';

export interface ListWatchOptions {
  readonly client: ApiClient;
  readonly resource: WatchedResource;
  /** Reduces an object to the fields that are used. Only these fields stay in memory. */
  readonly trim: (object: ApiObject) => ApiObject;
  /** Called after the objects, `synced` or `problem` changed. */
  readonly onChange: () => void;
  readonly timings?: Partial<WatchTimings> | undefined;
  readonly pause?: Pause;
}

/**
 * Keeps the objects of one resource up to date. Lists them in pages, and then watches from the version of the list.
 *
 * A watch ends when the server ends it, or when it is silent for too long. After an error, the watch restarts after a
 * wait with a random part. All objects are listed again in these cases:
 *
 * - The server has dropped the version (410).
 * - The server does not know the version yet, because it was restored from a backup.
 * - An event could not be read or stored.
 *
 * Objects that are missing from the new list were deleted. While the server is unreachable, the last known objects stay
 * in force.
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
  #confirmedMs: number | undefined;
  /** When the current watch opened. */
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

  /** A number that changes whenever the objects change. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether all objects have been read once. */
  get synced(): boolean {
    return this.#synced;
  }

  /**
   * The error that prevents updates. After the first list, an error that is normal, such as that of one broken watch,
   * is not reported here.
   */
  get problem(): MacvtapError | undefined {
    return this.#problem;
  }

  /**
   * When the server last confirmed the known objects, on the clock of performance.now(). A list, the start of a watch,
   * and each event of a watch confirm them. A healthy watch gets a bookmark about every minute.
   */
  get confirmedMs(): number | undefined {
    return this.#confirmedMs;
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
      this.#change(`list of ${resource.what}`, () => this.#state.replace(listed.objects));
      this.#version.listed(listed.version);
      this.#confirmedMs = performance.now();
      return;
    }
    // The 404 means that the resource is not installed and therefore has no objects. One of several API servers may be
    // wrong for a short time, so drop the known objects only if the 404 lasts.
    this.#absentSince ??= performance.now();
    const isCertain =
      this.#state.objects.size === 0 || performance.now() - this.#absentSince >= this.#timings.absenceMs;
    if (isCertain) {
      this.#accept(this.#state.replace([]));
      this.#confirmedMs = performance.now();
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
        this.#confirmedMs = this.#openedMs;
      },
      onRefused: (status) => this.#version.refused(status),
      onSilent: () => this.#version.wasSilent(),
    });
    for await (const line of lines) {
      this.#handle(line, `watch of ${resource.what}`);
      this.#confirmedMs = performance.now();
    }
  }

  #handle(line: string, what: string): void {
    const event = readWatchEvent(line);
    switch (event.type) {
      case 'set':
      case 'delete':
        this.#advance(event.resourceVersion, what);
        this.#change(what, () => this.#state[event.type](this.#options.trim(event.object)));
        return;
      case 'bookmark':
        this.#advance(event.resourceVersion, what);
        return;
      case 'error':
        this.#version.refused(event.status);
        throw refused(what, { status: event.status, body: event.message });
      case 'malformed':
        this.#version.forget();
        throw new MacvtapError('ApiServerMalformed', `${what}: ${event.message}; listing all objects again`);
    }
  }

  /**
   * Changes the objects. An exception here is a bug that may concern only this version of one object. Continuing the
   * watch would lose the event, so all objects are listed again after a wait.
   */
  #change(what: string, change: () => boolean): void {
    try {
      this.#accept(change());
    } catch (thrown) {
      this.#version.forget();
      const { message } = MacvtapError.from(thrown);
      const text = `${what}: an object could not be stored: ${message}; listing all objects again`;
      throw new MacvtapError('Unexpected', text, { cause: thrown });
    }
  }

  #advance(version: string, what: string): void {
    const before = this.#version.current;
    if (this.#version.advance(version)) return;
    const text = `${what}: version ${version} came after ${before}: the API server has another history`;
    throw new MacvtapError('ApiServerMalformed', `${text}; listing all objects again`);
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

export interface WatchObjectOptions {
  readonly client: ApiClient;
  /** @example 'Secret macvtap-cni/kube-macvtap-webhook-tls' */
  readonly what: string;
  /** The path of the collection. */
  readonly path: string;
  readonly name: string;
  /** Called when the object was created, changed or deleted, and when it cannot be watched. */
  readonly listener: () => void;
}

/**
 * Calls the listener when an object may have changed. Only the metadata of the object is transferred. A role that
 * grants access to the object by name also permits this watch, because the field selector contains the name.
 */
export function watchObject({ client, what, path, name, listener }: WatchObjectOptions): Disposable {
  let isDisposed = false;
  const watch = new ListWatch({
    client,
    resource: { what, path, fieldSelector: `metadata.name=${name}`, metadataOnly: true },
    trim: ({ metadata }) => ({ metadata: { name: metadata.name, resourceVersion: metadata.resourceVersion ?? '' } }),
    onChange: () => {
      if (!isDisposed) listener();
    },
  });
  return {
    [Symbol.dispose]: () => {
      isDisposed = true;
      void watch[Symbol.asyncDispose]();
    },
  };
}
