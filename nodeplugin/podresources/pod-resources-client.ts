// SPDX-License-Identifier: Apache-2.0

import { stat } from 'node:fs/promises';
import { unlessAborted } from '../../runtime/abort-signals.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createSingleFlight } from '../../runtime/locks.ts';
import { pause } from '../../runtime/pause.ts';
import { describeFailure, dialSocket } from '../grpc-client.ts';
import { type ListPodResourcesResponse, PodResourcesListerService } from './v1.pb.ts';

export type { ListPodResourcesRequest, ListPodResourcesResponse, PodResources } from './v1.pb.ts';

export interface AskOptions {
  /** An absolute path. @example '/var/lib/kubelet/pod-resources/kubelet.sock' */
  readonly socketPath: string;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls List once, on a new connection. A connection is not reused, because kubelet replaces the socket at each start.
 * After a lost connection, gRPC would wait longer and longer before it connects again.
 *
 * Must not be called in a loop. Kubelet answers 100 requests per second from all clients of the node together, with
 * bursts of ten, and rejects all others (podresources DefaultQPS, DefaultBurstTokens).
 *
 * Raises `PodResourcesSocketMissing`, `PodResourcesUnavailable`, `Aborted`.
 */
export async function askPodResources(options: AskOptions): Promise<ListPodResourcesResponse> {
  const { socketPath, timeoutMs = defaultTimeoutMs, signal } = options;
  using kubelet = dialSocket(socketPath, { maxAnswerBytes });
  try {
    return await kubelet.call(podResourcesLister.List, {}, { timeoutMs, signal });
  } catch (thrown) {
    if (thrown instanceof MacvtapError) throw thrown;
    throw await explain(socketPath, thrown);
  }
}

/**
 * Explains a failed call. gRPC reports UNAVAILABLE both for a missing socket and for a stopped kubelet. The two cases
 * need different errors, because users must do different things.
 */
async function explain(path: string, cause: unknown): Promise<MacvtapError> {
  const missing = await stat(path).then(
    () => undefined,
    (thrown: unknown) => MacvtapError.from(thrown).message,
  );
  if (missing !== undefined) {
    return new MacvtapError(
      'PodResourcesSocketMissing',
      `kubelet's pod-resources socket ${path} is not there (${missing}), so no device counts as released: check that ` +
        'kubelet runs on this node, that --kubelet-dir is its directory, and that its pod-resources directory is mounted ' +
        'into this container',
      { facts: { path }, cause },
    );
  }
  return new MacvtapError(
    'PodResourcesUnavailable',
    `kubelet on ${path} did not list the devices of pods (${describeFailure(cause)}), so no device counts as ` +
      "released; the node plugin tries again: check kubelet's log",
    { facts: { path }, cause },
  );
}

/**
 * The largest accepted answer. Kubelet's own tests of this API use the same limit (test/e2e_node/util.go,
 * defaultPodResourcesMaxSize).
 */
const maxAnswerBytes = 16 * 1024 * 1024;

/** The timeout of kubelet's own tests (test/e2e_node/util.go, defaultPodResourcesTimeout). */
const defaultTimeoutMs = 10_000;

/** Kubelet's service. pod-resources-client.test.ts compares its messages with literal bytes. */
export const podResourcesLister = { List: PodResourcesListerService.list } as const;

/**
 * A limit of `calls` calls in any period of `ms`. After a quiet period, the first calls may begin without a wait.
 */
export interface CallPace {
  readonly calls: number;
  readonly ms: number;
}

/** Calls that several callers share. */
export interface SharedCalls<T> {
  /**
   * Returns the result of a shared call that begins after this request. If the signal aborts, this caller stops
   * waiting, but the shared call continues.
   */
  call(signal?: AbortSignal): Promise<T>;
  /** Resolves when no call is in progress. This happens soon after `stopping` has aborted. */
  idle(): Promise<void>;
}

/**
 * Makes one call at a time. Callers that arrive during a call share the result of the next call. They do not get the
 * result of the running call, because it may contain data from before their request.
 */
export function shareCalls<T>(make: () => Promise<T>, pace: CallPace, stopping: AbortSignal): SharedCalls<T> {
  /** The times at which the newest calls began. */
  const begins: number[] = [];
  const flight = createSingleFlight<T>(() => pause(pauseMs(begins, pace), stopping));

  const begin = async (): Promise<T> => {
    stopping.throwIfAborted();
    begins.push(performance.now());
    begins.splice(0, begins.length - pace.calls);
    return await make();
  };
  return {
    call: async (signal) => {
      signal?.throwIfAborted();
      return await unlessAborted(flight.call(theOnly, begin), signal);
    },
    idle: () => flight.idle(theOnly),
  };
}

/** The key of all calls. */
const theOnly = '';

/** Returns how long the next call must wait. It begins at least `ms` after the oldest of the last `calls` calls. */
function pauseMs(begins: readonly number[], { calls, ms }: CallPace): number {
  const [oldest] = begins;
  return oldest === undefined || begins.length < calls ? 0 : Math.max(0, oldest + ms - performance.now());
}
