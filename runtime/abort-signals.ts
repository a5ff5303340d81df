// SPDX-License-Identifier: Apache-2.0

/** Resolves when the signal aborts, whatever its reason. Never rejects. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

/**
 * Settles like the promise, or rejects with the signal's reason if the signal aborts first. The work of the promise
 * continues in both cases. Unlike Promise.race with `untilAborted`, this leaves no listener on a long-lived signal.
 */
export async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A signal that follows other signals. Disposing of it removes its listeners and its timer, and does not abort it. */
export interface JoinedSignal extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time limit aborted the signal. */
  readonly isTimedOut: boolean;
  abort(reason: unknown): void;
}

/**
 * Joins signals into one. The joined signal aborts when the first of the signals aborts, after `timeoutMs`, or when
 * `abort` is called. Its timer does not keep the process alive.
 *
 * Use this in code that runs often, because the built-in functions leave something behind. AbortSignal.timeout leaves a
 * timer until the time has passed. AbortSignal.any leaves a reference on the longest-lived signal until a full garbage
 * collection.
 */
export function joinSignals(signals: readonly AbortSignal[], timeoutMs?: number): JoinedSignal {
  const own = new AbortController();
  const follow = ({ target }: Event): void => own.abort((target as AbortSignal).reason);
  const aborted = signals.find((signal) => signal.aborted);
  if (aborted !== undefined) own.abort(aborted.reason);
  else for (const signal of signals) signal.addEventListener('abort', follow);
  let isTimedOut = false;
  const expire = (): void => {
    isTimedOut = !own.signal.aborted;
    own.abort(new DOMException(`it took more than ${timeoutMs} ms`, 'TimeoutError'));
  };
  const timer = timeoutMs === undefined || aborted !== undefined ? undefined : setTimeout(expire, timeoutMs).unref();
  return {
    signal: own.signal,
    get isTimedOut() {
      return isTimedOut;
    },
    abort: (reason) => own.abort(reason),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', follow);
    },
  };
}
