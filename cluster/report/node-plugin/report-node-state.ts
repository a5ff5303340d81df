// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { xxhash64 } from '../../../policy/device/device-id.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { type Pause, pause as reallyPause } from '../../../runtime/pause.ts';
import { backOffMs, isUnreachable, skipRepeatedErrors } from '../../api/api-errors.ts';
import type { NodeStateStatus } from './build-node-state.ts';
import type { NodeStateWriter } from './node-state-writer.ts';

/** Writes a node's state in the background. */
export interface NodeStateReporter extends AsyncDisposable {
  /** Sets the state to write; returns at once. */
  report(status: NodeStateStatus, options?: ReportOptions): void;
  /** Writes the state again, in case the written state was changed or deleted. */
  refresh(): void;
}

export interface ReportOptions {
  /**
   * An additional delay of the write. It has no effect if a write is already due. Changes during the delay are part of
   * the same write.
   */
  readonly spreadMs?: number;
}

export interface ReporterTimings {
  /** How long to collect changes before a write: they come in bursts. */
  readonly coalesceMs: number;
  /** The least time between two writes, however often a link flaps. */
  readonly pauseMs: number;
  /** The state is written again after 1 to 1.5 times this long, in case it was changed or deleted. */
  readonly refreshMs: number;
}

export interface ReporterOptions {
  readonly writer: NodeStateWriter;
  /** Called with each error whose message differs from the previous one, and with undefined when writes work again. */
  readonly onState: (error: MacvtapError | undefined) => void;
  readonly timings?: Partial<ReporterTimings>;
  readonly pause?: Pause;
}

const defaults: ReporterTimings = { coalesceMs: 100, pauseMs: 1_000, refreshMs: 300_000 };

/**
 * Writes the reported state in the background when it differs from the last written one. It writes only the newest
 * state, at most as often as the timings allow, and retries with a jittered wait.
 */
export function reportNodeState(options: ReporterOptions): NodeStateReporter {
  const { writer, onState, timings, pause = reallyPause } = options;
  const { coalesceMs, pauseMs, refreshMs } = { ...defaults, ...timings };
  const scope = new AbortController();
  const { signal } = scope;
  let latest: NodeStateStatus | undefined;
  let written: NodeStateStatus | undefined;
  /** Whether the cluster probably still has the state in `written`. */
  let isIntact = false;
  const setState = skipRepeatedErrors(onState);
  let news = Promise.withResolvers<void>();
  /** Whether a write is due, and its additional delay. */
  let isDue = false;
  let spreadMs = 0;
  const wake = (ms = 0): void => {
    if (!isDue) spreadMs = ms;
    isDue = true;
    news.resolve();
  };

  const writeUntilGood = async (): Promise<void> => {
    for (let failures = 1; !signal.aborted; failures += 1) {
      const status = latest;
      if (status === undefined || (isIntact && isDeepStrictEqual(status, written))) return;
      const thorough = !isIntact;
      isIntact = true;
      try {
        await writer.write(status, { thorough, signal });
        written = status;
        setState(undefined);
        return await pause(pauseMs, signal);
      } catch (thrown) {
        if (signal.aborted) return;
        // The write may have succeeded in part.
        isIntact = false;
        const error = MacvtapError.from(thrown);
        setState(error);
        await pause(backOffMs(failures, { isOutage: isUnreachable(error) }), signal);
      }
    }
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await news.promise;
      await pause(coalesceMs + spreadMs, signal);
      // A report from now on requires another round.
      news = Promise.withResolvers();
      isDue = false;
      await writeUntilGood();
    }
  };
  const refresh = (): void => {
    isIntact = false;
    wake();
  };
  signal.addEventListener('abort', () => news.resolve(), { once: true });
  const timer = setInterval(refresh, refreshMs * (1 + Math.random() / 2));
  const running = run();
  return {
    report(status, { spreadMs: ms } = {}) {
      // The same status is already written, or its write is due.
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

/**
 * Returns how long a node delays its write after a policy edit, so that the selected nodes do not all write at once.
 * The delays are spread over one millisecond per node, and each node always has the same position in that span. An API
 * server thus receives about a thousand writes a second, and no node waits longer than five seconds.
 */
export function spreadMs(node: string, nodes = 0): number {
  const share = Number(xxhash64(node) >> 32n) / 2 ** 32;
  return share * Math.min(Math.max(nodes, fewestNodes), mostNodes);
}

/**
 * The least number of nodes to assume, because an edit's nodes are counted only after the edit. The delays of this many
 * nodes end before a policy's status is written (status-schedule.ts), so they do not delay the status.
 */
const fewestNodes = 500;

/** The largest cluster that Kubernetes is made for (kubernetes.io, "Considerations for large clusters"). */
const mostNodes = 5_000;
