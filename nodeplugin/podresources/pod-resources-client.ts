// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeFailure, dialSocket, loadProto } from '../grpc-client.ts';

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

export type ListPodResourcesRequest = Readonly<Record<string, never>>;

export interface ListPodResourcesResponse {
  readonly pod_resources: readonly PodResources[];
}

export interface PodResources {
  readonly name: string;
  readonly namespace: string;
  readonly containers: readonly ContainerResources[];
}

interface ContainerResources {
  readonly name: string;
  readonly devices: readonly ContainerDevices[];
}

interface ContainerDevices {
  readonly resource_name: string;
  readonly device_ids: readonly string[];
}

export interface PodResourcesListerService extends ServiceDefinition {
  readonly List: MethodDefinition<ListPodResourcesRequest, ListPodResourcesResponse>;
}

const definition = loadProto(new URL('./v1.proto', import.meta.url));

/** Kubelet's service. Its type mirrors v1.proto; pod-resources-client.test.ts checks both against literal bytes. */
export const podResourcesLister = definition['v1.PodResourcesLister'] as unknown as PodResourcesListerService;
