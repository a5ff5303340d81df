// SPDX-License-Identifier: Apache-2.0

import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type MethodDefinition, status } from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeFailure, dialSocket, type SocketClient } from '../grpc-client.ts';
import { type ListPodResourcesResponse, type PodResources, PodResourcesListerService } from './v1.pb.ts';

export type {
  GetPodResourcesRequest,
  GetPodResourcesResponse,
  ListPodResourcesRequest,
  ListPodResourcesResponse,
  PodResources,
} from './v1.pb.ts';

export interface AskOptions {
  /** An absolute path. @example '/var/lib/kubelet/pod-resources/kubelet.sock' */
  readonly socketPath: string;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Calls List once, on a new connection. Raises the same errors as `PodResourcesClient.list`. Must not be called in a
 * loop, because kubelet limits the rate of requests.
 */
export async function askPodResources({ socketPath, ...limits }: AskOptions): Promise<ListPodResourcesResponse> {
  using kubelet = connectPodResources(socketPath);
  return await kubelet.list(limits);
}

type CallLimits = Omit<AskOptions, 'socketPath'>;

/**
 * A connection to kubelet that stays open between calls, because a new connection takes longer than a call.
 *
 * Kubelet answers 100 requests per second from all clients of the node together, with bursts of ten, and rejects all
 * others (podresources DefaultQPS, DefaultBurstTokens). The caller must limit its calls.
 */
export interface PodResourcesClient extends Disposable {
  /** Lists all pods. Raises `PodResourcesSocketMissing`, `PodResourcesUnavailable`, `Aborted`. */
  list(limits?: CallLimits): Promise<ListPodResourcesResponse>;
  /**
   * Returns the resources of one pod, which takes kubelet less time than a list of all pods. Returns undefined if
   * kubelet does not know the pod, has no such call, or does not answer. The caller must then use `list`. Raises
   * `Aborted`.
   */
  get(pod: PodKey, limits?: CallLimits): Promise<PodResources | undefined>;
}

/** Identifies a pod in kubelet's API, which has no UIDs as of Kubernetes 1.37. */
interface PodKey {
  readonly namespace: string;
  readonly name: string;
}

interface Connection {
  readonly run: string | undefined;
  readonly kubelet: SocketClient;
  /** Whether kubelet may have the call Get. The answer to the first Get shows it. */
  hasGet: boolean;
  /** Whether kubelet has answered on this connection. */
  isProven: boolean;
}

/**
 * Creates a client that connects with its first call. Each start of kubelet replaces the socket, and the client then
 * connects again. It also gives up a connection whose call fails: gRPC itself would wait longer and longer before it
 * connects again.
 */
export function connectPodResources(socketPath: string): PodResourcesClient {
  let open: Connection | undefined;
  const close = (): void => {
    open?.kubelet[Symbol.dispose]();
    open = undefined;
  };
  const connect = (): Connection => {
    const run = readSocketRun(socketPath);
    if (open === undefined || open.run !== run || run === undefined) {
      close();
      open = { run, kubelet: dialSocket(socketPath, { maxAnswerBytes }), hasGet: true, isProven: false };
    }
    return open;
  };
  const call = async <Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    { timeoutMs = defaultTimeoutMs, signal }: CallLimits,
  ): Promise<Response> => {
    const connection = connect();
    const { isProven, kubelet } = connection;
    try {
      const response = await kubelet.call(method, request, { timeoutMs, signal });
      connection.isProven = true;
      return response;
    } catch (thrown) {
      if (!isAnswer(thrown) && open === connection) close();
      // Kubelet has ended since the last call, and another one may be running already.
      if (isProven && statusOf(thrown) === status.UNAVAILABLE)
        return await call(method, request, { timeoutMs, signal });
      throw thrown;
    }
  };
  return {
    async list(limits = {}) {
      try {
        return await call(podResourcesLister.List, {}, limits);
      } catch (thrown) {
        if (thrown instanceof MacvtapError) throw thrown;
        throw await explain(socketPath, thrown);
      }
    },
    async get({ namespace, name }, limits = {}) {
      const connection = connect();
      if (!connection.hasGet) return undefined;
      try {
        const request = { pod_name: name, pod_namespace: namespace };
        return (await call(podResourcesLister.Get, request, limits)).pod_resources ?? undefined;
      } catch (thrown) {
        if (thrown instanceof MacvtapError) throw thrown;
        if (lacksGet(thrown)) connection.hasGet = false;
        return undefined;
      }
    },
    [Symbol.dispose]: close,
  };
}

/** Returns a text that identifies the run of kubelet that created the socket. Returns undefined without a socket. */
export function readSocketRun(socketPath: string): string | undefined {
  const socket = lookAtSocket(socketPath);
  return socket && `${socket.dev}:${socket.ino}:${socket.ctimeNs}`;
}

/** Returns the status of the socket's file. Synchronous, because a switch to another thread takes longer. */
export function lookAtSocket(socketPath: string): BigIntStats | undefined {
  try {
    return statSync(socketPath, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function statusOf(thrown: unknown): unknown {
  return (thrown as { readonly code?: unknown } | undefined)?.code;
}

/** Returns whether an error is kubelet's own answer, so that the connection still works. */
function isAnswer(thrown: unknown): boolean {
  return ([status.UNKNOWN, status.UNIMPLEMENTED, status.RESOURCE_EXHAUSTED] as unknown[]).includes(statusOf(thrown));
}

/**
 * Returns whether kubelet has no Get: before 1.27, or with the feature gate KubeletPodResourcesGet off (server_v1.go,
 * Get). The gate exists until 1.36, and is off by default before 1.34.
 */
function lacksGet(thrown: unknown): boolean {
  return statusOf(thrown) === status.UNIMPLEMENTED || /\bGet method disabled\b/.test(describeFailure(thrown));
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
export const podResourcesLister = {
  List: PodResourcesListerService.list,
  Get: PodResourcesListerService.get,
} as const;
