// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';

/** Work that only the holder of a Lease does. It must return after its signal aborts. */
export type Duty = (signal: AbortSignal) => Promise<void>;

/** Runs duties while a Lease is held. A term is one uninterrupted period of holding the Lease. */
export interface Terms {
  readonly isHolder: boolean;
  /** Starts or extends a term until `untilMs`, on the clock of performance.now(). */
  extend(untilMs: number): void;
  /** Ends the term. Resolves when every duty has ended. */
  end(): Promise<void>;
  add(duty: Duty): Disposable;
}

export interface TermsOptions {
  readonly onHolder: (isHolder: boolean) => void;
  readonly onBug: (error: MacvtapError) => void;
}

/** A duty that runs in the current term. */
interface Running {
  readonly scope: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Starts every duty when a term begins, and ends it with the term. A term that is not extended ends by a timer, even if
 * the renewal loop hangs. If a duty has not returned yet when the next term begins, it starts again as soon as it has
 * returned.
 */
export function createTerms({ onHolder, onBug }: TermsOptions): Terms {
  const duties = new Map<Duty, Running | undefined>();
  let heldUntilMs = Number.NEGATIVE_INFINITY;
  let isTerm = false;
  let timer: NodeJS.Timeout | undefined;

  const begin = (duty: Duty): void => {
    const before = duties.get(duty)?.ended ?? Promise.resolve();
    const scope = new AbortController();
    const ended = before.then(async () => {
      if (!scope.signal.aborted) await duty(scope.signal);
    });
    duties.set(duty, { scope, ended: ended.catch((thrown) => onBug(MacvtapError.from(thrown))) });
  };
  const endTerm = (): void => {
    clearTimeout(timer);
    heldUntilMs = Number.NEGATIVE_INFINITY;
    if (!isTerm) return;
    isTerm = false;
    onHolder(false);
    for (const running of duties.values()) running?.scope.abort();
  };
  return {
    // Check the clock: after the process was suspended, this code may run before its timers.
    get isHolder() {
      return isTerm && performance.now() < heldUntilMs;
    },
    extend(untilMs) {
      heldUntilMs = untilMs;
      clearTimeout(timer);
      timer = setTimeout(endTerm, Math.max(0, untilMs - performance.now()));
      if (isTerm) return;
      isTerm = true;
      onHolder(true);
      for (const duty of duties.keys()) begin(duty);
    },
    async end() {
      endTerm();
      await Promise.all([...duties.values()].map((running) => running?.ended));
    },
    add(given) {
      // The wrapper makes each call of `add` a separate duty, even for the same function.
      const duty: Duty = (signal) => given(signal);
      duties.set(duty, undefined);
      if (isTerm) begin(duty);
      return {
        [Symbol.dispose]() {
          duties.get(duty)?.scope.abort();
          duties.delete(duty);
        },
      };
    },
  };
}
