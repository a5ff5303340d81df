// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from 'node:util';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createListeners, type Listeners } from '../../runtime/listeners.ts';
import { createBackOff, createSleeper, pause, type Sleeper, waitForNews } from '../../runtime/pause.ts';
import type { InterfaceReader } from './read-interfaces.ts';

type InterfaceListener = (facts: readonly InterfaceFacts[]) => void;

/** The current interfaces of the node. */
export interface InterfaceWatch extends AsyncDisposable {
  readonly current: readonly InterfaceFacts[];
  /**
   * Resolves when nothing has changed for `quietMs` and one more reading shows no change. That reading includes changes
   * whose events are still in the socket. After ten times `quietMs`, resolves after the next reading, even if that
   * reading fails or shows a change. Raises `Aborted`.
   */
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
  /** The clock of pauses and quiet times, in milliseconds. */
  readonly now?: () => number;
}

/** How long the watch waits after an event before it reads. Events come in bursts: a new link sends three. */
const coalesceMs = 10;
/**
 * After a reading, the watch waits for this multiple of the reading's duration. Even with many links and events,
 * readings therefore take at most a fifth of the time. The time that a reading waits for the kernel's network lock
 * (rtnl_lock) does not count, because waiting costs nothing.
 */
const pausePerReading = 4;
/**
 * The longest pause after a reading. Only a reading of more than 250 ms reaches it. Kernels before 6.9 also take the
 * network lock for dumps (rtnl_dump_ifinfo), so a reading may be that long without much work.
 */
const longestPauseMs = 1_000;
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
  readonly #listeners: Listeners<readonly InterfaceFacts[]>;
  #current: readonly InterfaceFacts[] = [];
  #changedAt = 0;
  #readingMs = 0;
  /** Resolves at the end of the next reading that starts: with true if that reading succeeded. */
  #nextReading = Promise.withResolvers<boolean>();
  #subscription: Disposable | undefined;
  #loop: Promise<void> = Promise.resolve();
  readonly #sleeper: Sleeper;
  readonly #now: () => number;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#listeners = createListeners((thrown) => options.onError(MacvtapError.from(thrown)));
    this.#now = options.now ?? (() => performance.now());
    const own = this.#scope.signal;
    this.#signal = options.signal === undefined ? own : AbortSignal.any([own, options.signal]);
    this.#sleeper = createSleeper(this.#signal);
  }

  async start(): Promise<void> {
    // Subscribes first, so that a change during the first reading causes a second reading.
    this.#subscription = this.#options.subscribe(() => this.#sleeper.wake());
    this.#current = await this.#options.read(this.#signal);
    this.#changedAt = this.#now();
    this.#loop = this.#follow();
  }

  get current(): readonly InterfaceFacts[] {
    return this.#current;
  }

  async settled(quietMs: number, signal?: AbortSignal): Promise<void> {
    const scope = signal === undefined ? this.#signal : AbortSignal.any([this.#signal, signal]);
    const latest = this.#now() + 10 * quietMs;
    for (;;) {
      const waitMs = Math.min(this.#changedAt + quietMs, latest) - this.#now();
      const changedAt = this.#changedAt;
      let isRead = false;
      if (waitMs > 0) await waitForNews(undefined, waitMs, scope);
      else isRead = await this.#readOnce(scope);
      if (scope.aborted) throw cancelled(scope.reason);
      if (waitMs <= 0 && ((isRead && changedAt === this.#changedAt) || this.#now() >= latest)) return;
    }
  }

  onChange(listener: InterfaceListener): Disposable {
    return this.#listeners.add(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#scope.abort(new MacvtapError('Aborted', 'the interfaces are no longer watched'));
    this.#subscription?.[Symbol.dispose]();
    this.#listeners.clear();
    await this.#loop;
  }

  /** Makes the loop read, waits for the end of that reading, and returns whether it succeeded. */
  async #readOnce(signal: AbortSignal): Promise<boolean> {
    let isRead = false;
    const reading = this.#nextReading.promise.then((succeeded) => {
      isRead = succeeded;
    });
    this.#sleeper.wake();
    await waitForNews(reading, undefined, signal);
    return isRead;
  }

  async #follow(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#sleeper.sleep();
      // Events after this pause cause another reading.
      const pauseMs = Math.min(this.#readingMs * pausePerReading, longestPauseMs);
      await this.#sleeper.sleepThrough(Math.max(coalesceMs, pauseMs));
      await this.#readUntilGood();
    }
  }

  async #readUntilGood(): Promise<void> {
    for (let failures = 1; !this.#signal.aborted; failures += 1) {
      const reading = this.#nextReading;
      this.#nextReading = Promise.withResolvers();
      try {
        await this.#read();
        reading.resolve(true);
        return;
      } catch (thrown) {
        if (this.#signal.aborted) return;
        reading.resolve(false);
        this.#options.onError(MacvtapError.from(thrown));
        await pause(retryMs(failures), this.#signal);
      }
    }
  }

  async #read(): Promise<void> {
    let startMs = this.#now();
    const facts = await this.#options.read(this.#signal, () => {
      startMs = this.#now();
    });
    this.#readingMs = this.#now() - startMs;
    this.#accept(facts);
  }

  #accept(facts: readonly InterfaceFacts[]): void {
    if (this.#signal.aborted || isDeepStrictEqual(facts, this.#current)) return;
    this.#current = facts;
    this.#changedAt = this.#now();
    this.#listeners.notify(facts);
  }
}

function cancelled(cause: unknown): MacvtapError {
  return new MacvtapError('Aborted', 'waiting for quiet interfaces was cancelled', { cause });
}
