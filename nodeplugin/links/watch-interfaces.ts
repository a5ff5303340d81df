// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createBackOff, createSleeper, pause, type Sleeper } from '../../runtime/pause.ts';
import type { InterfaceReader } from './read-interfaces.ts';

type InterfaceListener = (facts: readonly InterfaceFacts[]) => void;

/** The current interfaces of the node. */
export interface InterfaceWatch extends AsyncDisposable {
  readonly current: readonly InterfaceFacts[];
  /** Resolves when nothing has changed for `quietMs`, and after ten times `quietMs` at the latest. Raises `Aborted`. */
  settled(quietMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls the listener with the facts after each change, until disposed. */
  onChange(listener: InterfaceListener): Disposable;
}

export interface WatchOptions {
  readonly read: InterfaceReader;
  /** Calls `onEvent` when something may have changed or events were lost, until disposed. */
  readonly subscribe: (onEvent: () => void) => Disposable;
  /** Called when a reading fails, before it is repeated, and when a listener throws. */
  readonly onError: (error: MacvtapError) => void;
  readonly signal?: AbortSignal;
}

/** How long the watch waits after an event before it reads. Events come in bursts: a new link sends three. */
const coalesceMs = 10;
/**
 * After a reading, the watch waits for this multiple of the reading's duration. Even with many links and events,
 * readings therefore take at most a fifth of the time.
 */
const pausePerReading = 4;
const retryMs = createBackOff({ firstMs: 100, longestMs: 10_000 });

/** Reads the interfaces, then follows them until disposed. Raises the error of the first reading. */
export async function watchInterfaces(options: WatchOptions): Promise<InterfaceWatch> {
  const watcher = new InterfaceWatcher(options);
  try {
    await watcher.start();
  } catch (thrown) {
    await watcher[Symbol.asyncDispose]();
    throw thrown;
  }
  return watcher;
}

class InterfaceWatcher implements InterfaceWatch {
  readonly #options: WatchOptions;
  readonly #scope = new AbortController();
  readonly #signal: AbortSignal;
  readonly #listeners = new Set<InterfaceListener>();
  #current: readonly InterfaceFacts[] = [];
  #changedAt = 0;
  #subscription: Disposable | undefined;
  #loop: Promise<void> = Promise.resolve();
  readonly #sleeper: Sleeper;

  constructor(options: WatchOptions) {
    this.#options = options;
    const own = this.#scope.signal;
    this.#signal = options.signal === undefined ? own : AbortSignal.any([own, options.signal]);
    this.#sleeper = createSleeper(this.#signal);
  }

  async start(): Promise<void> {
    // Subscribes first, so that a change during the first reading causes a second reading.
    this.#subscription = this.#options.subscribe(() => this.#sleeper.wake());
    this.#current = await this.#options.read(this.#signal);
    this.#changedAt = performance.now();
    this.#loop = this.#follow();
  }

  get current(): readonly InterfaceFacts[] {
    return this.#current;
  }

  async settled(quietMs: number, signal?: AbortSignal): Promise<void> {
    const scope = signal === undefined ? this.#signal : AbortSignal.any([this.#signal, signal]);
    const latest = performance.now() + 10 * quietMs;
    for (;;) {
      const now = performance.now();
      const waitMs = Math.min(this.#changedAt + quietMs, latest) - now;
      if (waitMs <= 0) return;
      await pause(waitMs, scope);
      if (scope.aborted) throw cancelled(scope.reason);
    }
  }

  onChange(listener: InterfaceListener): Disposable {
    // Wraps the listener, so that a function that is registered twice is called twice.
    const own: InterfaceListener = (facts) => listener(facts);
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#scope.abort(new MacvtapError('Aborted', 'the interfaces are no longer watched'));
    this.#subscription?.[Symbol.dispose]();
    this.#listeners.clear();
    await this.#loop;
  }

  async #follow(): Promise<void> {
    let readingMs = 0;
    while (!this.#signal.aborted) {
      await this.#sleeper.sleep();
      // Events after this pause cause another reading.
      await this.#sleeper.sleepThrough(Math.max(coalesceMs, readingMs * pausePerReading));
      const start = performance.now();
      await this.#readUntilGood();
      readingMs = performance.now() - start;
    }
  }

  async #readUntilGood(): Promise<void> {
    for (let failures = 1; !this.#signal.aborted; failures += 1) {
      try {
        this.#accept(await this.#options.read(this.#signal));
        return;
      } catch (thrown) {
        if (this.#signal.aborted) return;
        this.#options.onError(MacvtapError.from(thrown));
        await pause(retryMs(failures), this.#signal);
      }
    }
  }

  #accept(facts: readonly InterfaceFacts[]): void {
    if (this.#signal.aborted || isDeepStrictEqual(facts, this.#current)) return;
    this.#current = facts;
    this.#changedAt = performance.now();
    for (const listener of this.#listeners) {
      try {
        listener(facts);
      } catch (thrown) {
        this.#options.onError(MacvtapError.from(thrown));
      }
    }
  }
}

function cancelled(cause: unknown): MacvtapError {
  return new MacvtapError('Aborted', 'waiting for quiet interfaces was cancelled', { cause });
}
