// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';

/** What only the holder of a Lease does. It returns when its signal has ended it. */
export type Duty = (signal: AbortSignal) => Promise<void>;

/** The times in which a Lease is held, and what is done in them. */
export interface Terms {
  readonly isHolder: boolean;
  /** The Lease is held until then, on the clock of performance.now(); begins a term, or lengthens it. */
  extend(untilMs: number): void;
  /** It is held no more. Returns when every duty has ended. */
  end(): Promise<void>;
  add(duty: Duty): Disposable;
}

export interface TermsOptions {
  readonly onHolder: (isHolder: boolean) => void;
  readonly onBug: (error: MacvtapError) => void;
}

/** A duty of the term that runs. */
interface Running {
  readonly scope: AbortController;
  readonly ended: Promise<void>;
}

/**
 * Begins every duty with a term and ends it with that. A term that nobody lengthens ends by itself, whatever became of
 * who should have; a duty never runs twice at once.
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
    // By the clock as well: a process that was stopped for a while may ask before its timers run.
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
      // A wrapper of its own, so that a duty given twice is two.
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
