// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { MacvtapError } from '../../runtime/errors.ts';
import { isUnreachable } from '../api/is-unreachable.ts';
import { backOffMs } from '../api/pace.ts';
import { type Pause, pause as reallyPause } from '../api/pause.ts';
import type { NodeStateStatus } from './build-node-state.ts';

/** Puts a node's state where people and the webhook find it. */
export interface NodeStateWriter {
  /** `thorough`: whatever was written before may have been changed or deleted by somebody. Raises. */
  write(status: NodeStateStatus, options: { readonly thorough: boolean; readonly signal: AbortSignal }): Promise<void>;
}

/** Writes a node's state in the background. */
export interface NodeStateReporter extends AsyncDisposable {
  /** What the state is from now on; returns at once. */
  report(status: NodeStateStatus, options?: ReportOptions): void;
  /** Something happened by which what stands written may be gone: it is written again. */
  refresh(): void;
}

export interface ReportOptions {
  /**
   * It is not written before that long, beside what is waited for anyway, unless something else waits already; what
   * changes meanwhile is written with it.
   */
  readonly spreadMs?: number;
}

export interface ReporterTimings {
  /** Changes come in bursts: so long more are waited for. */
  readonly coalesceMs: number;
  /** Between two writings, however often a link flaps. */
  readonly pauseMs: number;
  /** Written again after so long, and up to half of it more, whoever may have changed or deleted it. */
  readonly refreshMs: number;
}

export interface ReporterOptions {
  readonly writer: NodeStateWriter;
  /** Told of the first failure, of each one with another text, and, without an error, when writing works again. */
  readonly onState: (error: MacvtapError | undefined) => void;
  readonly timings?: Partial<ReporterTimings>;
  readonly pause?: Pause;
}

const defaults: ReporterTimings = { coalesceMs: 100, pauseMs: 1_000, refreshMs: 300_000 };

/**
 * Writes what is reported when it differs from what was written last: the newest only, not more often than the timings
 * allow, and again and again with a jittered wait while it fails. Nobody waits for it.
 */
export function reportNodeState(options: ReporterOptions): NodeStateReporter {
  const { writer, onState, timings, pause = reallyPause } = options;
  const { coalesceMs, pauseMs, refreshMs } = { ...defaults, ...timings };
  const scope = new AbortController();
  const { signal } = scope;
  let latest: NodeStateStatus | undefined;
  let written: NodeStateStatus | undefined;
  /** Whether what was written last still stands, for all that is known. */
  let isSure = false;
  let told: string | undefined;
  let news = Promise.withResolvers<void>();
  /** Whether something is waited for, and for how long beyond the usual. */
  let isNews = false;
  let spreadMs = 0;
  const wake = (ms = 0): void => {
    if (!isNews) spreadMs = ms;
    isNews = true;
    news.resolve();
  };

  const tell = (error: MacvtapError | undefined): void => {
    if (error?.message !== told) onState(error);
    told = error?.message;
  };
  const writeUntilGood = async (): Promise<void> => {
    for (let failures = 1; !signal.aborted; failures += 1) {
      const status = latest;
      if (status === undefined || (isSure && isDeepStrictEqual(status, written))) return;
      const thorough = !isSure;
      isSure = true;
      try {
        await writer.write(status, { thorough, signal });
        written = status;
        tell(undefined);
        return await pause(pauseMs, signal);
      } catch (thrown) {
        if (signal.aborted) return;
        // Nobody knows how far it came.
        isSure = false;
        const error = MacvtapError.from(thrown);
        tell(error);
        await pause(backOffMs(failures, { isOutage: isUnreachable(error) }), signal);
      }
    }
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await news.promise;
      await pause(coalesceMs + spreadMs, signal);
      // From here on a report asks for another look.
      news = Promise.withResolvers();
      isNews = false;
      await writeUntilGood();
    }
  };
  const refresh = (): void => {
    isSure = false;
    wake();
  };
  signal.addEventListener('abort', () => news.resolve(), { once: true });
  const timer = setInterval(refresh, refreshMs * (1 + Math.random() / 2));
  const running = run();
  return {
    report(status, { spreadMs: ms } = {}) {
      // It is written, or waits for its turn.
      if (isDeepStrictEqual(status, latest)) return;
      latest = status;
      wake(ms);
    },
    refresh,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      scope.abort();
      await running;
    },
  };
}
