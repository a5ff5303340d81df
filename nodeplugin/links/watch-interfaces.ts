// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { InterfaceReader } from './read-interfaces.ts';

type InterfaceListener = (facts: readonly InterfaceFacts[]) => void;

/** The interfaces of the node as they are now. */
export interface InterfaceWatch extends AsyncDisposable {
  readonly current: readonly InterfaceFacts[];
  /**
   * Resolves when nothing changed for `quietMs`, counted from the last change, and after ten times as long in any case.
   * Raises `Aborted`.
   */
  settled(quietMs: number, signal?: AbortSignal): Promise<void>;
  /** Called with the facts after each change of them, until disposed. */
  onChange(listener: InterfaceListener): Disposable;
}

export interface WatchOptions {
  readonly read: InterfaceReader;
  /** Calls back when something may have changed, or something was lost, until disposed. */
  readonly subscribe: (onEvent: () => void) => Disposable;
  /** A reading failed and will be repeated; `current` is the last good one. Or a listener threw. */
  readonly onError: (error: MacvtapError) => void;
  readonly signal?: AbortSignal;
}

/** Events come in bursts (a new link sends three); this long more are waited for, and then one reading tells it all. */
const coalesceMs = 10;
/** Readings take at most a fifth of the time, however many links and events there are. */
const pausePerReading = 4;
const firstRetryMs = 100;
const lastRetryMs = 10_000;

/** Reads the interfaces, which may raise, and then follows them until disposed. */
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
  #event = Promise.withResolvers<void>();

  constructor(options: WatchOptions) {
    this.#options = options;
    const own = this.#scope.signal;
    this.#signal = options.signal === undefined ? own : AbortSignal.any([own, options.signal]);
  }

  async start(): Promise<void> {
    // Events first: what happens during the first reading causes a second one.
    this.#subscription = this.#options.subscribe(() => this.#event.resolve());
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
    }
  }

  onChange(listener: InterfaceListener): Disposable {
    // A wrapper of its own, so that a function registered twice is called twice.
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
    this.#signal.addEventListener('abort', () => this.#event.resolve(), { once: true });
    let readingMs = 0;
    while (!this.#signal.aborted) {
      await this.#event.promise;
      await pause(Math.max(coalesceMs, readingMs * pausePerReading), this.#signal).catch(() => undefined);
      // From here on an event asks for another reading.
      this.#event = Promise.withResolvers();
      const start = performance.now();
      await this.#readUntilGood();
      readingMs = performance.now() - start;
    }
  }

  async #readUntilGood(): Promise<void> {
    for (let retryMs = firstRetryMs; !this.#signal.aborted; retryMs = Math.min(retryMs * 2, lastRetryMs)) {
      try {
        this.#accept(await this.#options.read(this.#signal));
        return;
      } catch (thrown) {
        if (this.#signal.aborted) return;
        this.#options.onError(MacvtapError.from(thrown));
        await pause(retryMs, this.#signal).catch(() => undefined);
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

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (thrown) {
    throw new MacvtapError('Aborted', 'waiting for quiet interfaces was given up', { cause: thrown });
  }
}
