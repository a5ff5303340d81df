// SPDX-License-Identifier: Apache-2.0
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { type handleUnaryCall, Server, ServerCredentials, type StatusObject, status } from '@grpc/grpc-js';
import {
  type ListPodResourcesRequest,
  type ListPodResourcesResponse,
  type PodResources,
  podResourcesLister,
} from '../../nodeplugin/podresources/pod-resources-client.ts';
import type { HeldRow } from './held-table.ts';
import { createRateLimit } from './rate-limit.ts';

export interface PodResourcesOptions {
  readonly socketPath: string;
  /**
   * Returns the devices to list. It is called for each List. Return `[]` to act as a kubelet that does not know its
   * pods yet, resolve late to respond slowly, or throw to refuse.
   */
  readonly held: () => readonly HeldRow[] | Promise<readonly HeldRow[]>;
}

/** Kubelet's pod-resources socket during one run of kubelet. */
export interface PodResourcesServer extends AsyncDisposable {
  readonly socketPath: string;
  stop(): Promise<void>;
}

/** Serves only List, with kubelet's rate limit. */
export async function startPodResources({ socketPath, held }: PodResourcesOptions): Promise<PodResourcesServer> {
  const mayPass = createRateLimit(questionsPerSecond, questionsAtOnce);
  const List: handleUnaryCall<ListPodResourcesRequest, ListPodResourcesResponse> = (_, callback) => {
    if (!mayPass()) return callback(overLimit);
    Promise.try(held).then(
      (rows) => callback(null, { pod_resources: toPods(rows) }),
      (thrown: unknown) => callback({ code: status.UNKNOWN, details: String(thrown) }),
    );
  };
  await mkdir(dirname(socketPath), { recursive: true });
  await rm(socketPath, { force: true });
  const server = new Server();
  server.addService(podResourcesLister, { List });
  await promisify(server.bindAsync.bind(server))(`unix:${socketPath}`, ServerCredentials.createInsecure());
  const stop = async (): Promise<void> => server.forceShutdown();
  return { socketPath, stop, [Symbol.asyncDispose]: stop };
}

/**
 * Returns one entry for each device, as containerDevicesFromResourceDeviceInstances (cm/helpers_linux.go) writes them.
 */
function toPods(rows: readonly HeldRow[]): readonly PodResources[] {
  const byPod = Map.groupBy(rows, ({ holder: { namespace, name } }) => `${namespace}/${name}`);
  return [...byPod.values()].map((ofPod) => {
    const byContainer = Map.groupBy(ofPod, ({ holder }) => holder.container);
    const containers = [...byContainer].map(([name, ofContainer]) => ({
      name,
      devices: ofContainer.map(({ resourceName, deviceId }) => ({
        resource_name: resourceName,
        device_ids: [deviceId],
      })),
    }));
    const { namespace = '', name = '' } = ofPod[0]?.holder ?? {};
    return { name, namespace, containers };
  });
}

/** Source: DefaultQPS, DefaultBurstTokens and ErrorLimitExceeded in apis/podresources/grpc/ratelimit.go. */
const questionsPerSecond = 100;
const questionsAtOnce = 10;
const overLimit: Pick<StatusObject, 'code' | 'details'> = {
  code: status.RESOURCE_EXHAUSTED,
  details: 'rejected by rate limit',
};
