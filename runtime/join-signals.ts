// SPDX-License-Identifier: Apache-2.0

/** A signal of one's own; its scope's end lets go of the others and of the clock, and leaves it as it is. */
export interface JoinedSignal extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time ended it. */
  readonly isTimedOut: boolean;
  abort(reason: unknown): void;
}

/**
 * A signal that ends with the first of others, after `timeoutMs`, or by hand. For what happens often: AbortSignal.any and
 * AbortSignal.timeout leave a timer until it has run, and a reference at the longest-lived signal until a full collection.
 * The process does not stay for the clock's sake.
 */
export function joinSignals(signals: readonly AbortSignal[], timeoutMs?: number): JoinedSignal {
  const own = new AbortController();
  const follow = ({ target }: Event): void => own.abort((target as AbortSignal).reason);
  const isOver = signals.find(({ aborted }) => aborted);
  if (isOver !== undefined) own.abort(isOver.reason);
  else for (const signal of signals) signal.addEventListener('abort', follow);
  let isTimedOut = false;
  const expire = (): void => {
    isTimedOut = !own.signal.aborted;
    own.abort(new DOMException(`it took more than ${timeoutMs} ms`, 'TimeoutError'));
  };
  const timer = timeoutMs === undefined || isOver !== undefined ? undefined : setTimeout(expire, timeoutMs).unref();
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
