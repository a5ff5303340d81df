// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { xxhash64 } from '../../../policy/device/device-id.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { type Pause, pause as reallyPause } from '../../../runtime/pause.ts';
import { isUnreachable, skipRepeatedErrors } from '../../api/api-errors.ts';
import { backOffMs } from '../../api/back-off.ts';
import type { NodeStateStatus } from './build-node-state.ts';
import type { NodeStateWriter } from './node-state-writer.ts';

/** Writes a node's state in the background. */
export interface NodeStateReporter extends AsyncDisposable {
  /** Sets the state to write and returns at once. */
  report(status: NodeStateStatus, options?: ReportOptions): void;
  /** Writes the state again, because it may have been changed or deleted. */
  refresh(): void;
}

export interface ReportOptions {
  /**
   * An additional delay of the write, which has no effect if a write is already due. Changes during the delay are part
   * of the same write.
   */
  readonly spreadMs?: number;
}

export interface ReporterTimings {
  /** How long to collect changes before a write, because changes come in bursts. */
  readonly coalesceMs: number;
  /** The minimum time between two writes, even if a link flaps all the time. */
  readonly pauseMs: number;
  /** The state is written again after 1 to 1.5 times this long, because it may have been changed or deleted. */
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
 * Writes the reported state in the background if it differs from the last one that was written. It writes only the
 * newest state, and not more often than the timings allow. After a failure, it retries after a wait with a random part.
 */
export function reportNodeState(options: ReporterOptions): NodeStateReporter {
  const { writer, onState, timings, pause = reallyPause } = options;
  const { coalesceMs, pauseMs, refreshMs } = { ...defaults, ...timings };
  const scope = new AbortController();
  const { signal } = scope;
  let latest: NodeStateStatus | undefined;
  let written: NodeStateStatus | undefined;
  /** Whether the cluster presumably still has the state in `written`. */
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
        // The write may have taken effect although `write` failed, so the state in the cluster is unknown.
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
      // A report after this point requires another write.
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
      // The same status was already written, or its write is due.
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
 * The delays are spread over a span of one millisecond per node, at least half a second and at most five seconds. The
 * hash of its name gives each node a fixed place in the span. The API server thus receives at most about a thousand
 * writes a second.
 */
export function spreadMs(node: string, nodes = 0): number {
  const share = Number(xxhash64(node) >> 32n) / 2 ** 32;
  return share * Math.min(Math.max(nodes, fewestNodes), mostNodes);
}

/**
 * The minimum number of nodes to assume, because the nodes that an edit selects are counted only after the edit. With
 * this many nodes, the delays end before the status of a policy is written (write-policy-statuses.ts). The assumption
 * therefore does not delay that status.
 */
const fewestNodes = 500;

/** The largest cluster that Kubernetes supports (kubernetes.io, "Considerations for large clusters"). */
const mostNodes = 5_000;
