// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeFailure, dialSocket } from '../grpc/dial-socket.ts';
import { type ListPodResourcesResponse, podResourcesLister } from './v1.ts';

export interface AskOptions {
  /** Absolute. @example '/var/lib/kubelet/pod-resources/kubelet.sock' */
  readonly socketPath: string;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One List, on a connection of its own: kubelet replaces the socket at each start, and gRPC would wait ever longer before
 * it tries a lost connection again. Kubelet answers 100 questions a second from all clients of the node together, ten at
 * once (podresources DefaultQPS, DefaultBurstTokens), and refuses the rest, so this is not for loops.
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

/** gRPC says "unavailable" for all of them; what to do differs. */
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
    `kubelet on ${path} did not say which devices pods hold (${describeFailure(cause)}), so no device counts as ` +
      "released; it is asked again by and by: see kubelet's log",
    { facts: { path }, cause },
  );
}

/** What kubelet's own tests of this API read at most (test/e2e_node/util.go, defaultPodResourcesMaxSize). */
const maxAnswerBytes = 16 * 1024 * 1024;

/** defaultPodResourcesTimeout of the same file. */
const defaultTimeoutMs = 10_000;
