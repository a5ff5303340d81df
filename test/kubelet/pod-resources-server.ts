// SPDX-License-Identifier: Apache-2.0
import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type StatusObject,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  type GetPodResourcesRequest,
  type GetPodResourcesResponse,
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
   * Returns the devices to list. It is called for each List and each Get. Return `[]` to act as a kubelet that does not
   * know its pods yet, resolve late to respond slowly, or throw to refuse.
   */
  readonly held: () => readonly HeldRow[] | Promise<readonly HeldRow[]>;
  /**
   * How Get behaves: as with the feature gate KubeletPodResourcesGet (the default), as without it, or as in a kubelet
   * before 1.27, which does not have the method.
   */
  readonly get?: 'on' | 'off' | 'absent' | undefined;
  /** Called with the name of each method that is called. */
  readonly onCall?: ((method: 'List' | 'Get') => void) | undefined;
}

/** Kubelet's pod-resources socket during one run of kubelet. */
export interface PodResourcesServer extends AsyncDisposable {
  readonly socketPath: string;
  stop(): Promise<void>;
}

/** Serves List and Get, with kubelet's rate limit for both together. */
export async function startPodResources(options: PodResourcesOptions): Promise<PodResourcesServer> {
  const { socketPath, held, get = 'on', onCall = () => {} } = options;
  const mayPass = createRateLimit(questionsPerSecond, questionsAtOnce);
  const answer = <Response>(
    method: 'List' | 'Get',
    toResponse: (pods: readonly PodResources[]) => Response,
    callback: sendUnaryData<Response>,
  ): void => {
    onCall(method);
    if (!mayPass()) {
      callback(overLimit);
      return;
    }
    Promise.try(held)
      .then((rows) => toResponse(toPods(rows)))
      .then(
        (response) => callback(null, response),
        (thrown: unknown) => callback({ code: status.UNKNOWN, details: String(thrown) }),
      );
  };
  const List: handleUnaryCall<ListPodResourcesRequest, ListPodResourcesResponse> = (_, callback) =>
    answer('List', (pod_resources) => ({ pod_resources }), callback);
  const Get: handleUnaryCall<GetPodResourcesRequest, GetPodResourcesResponse> = ({ request }, callback) =>
    answer('Get', (pods) => ({ pod_resources: findPod(pods, request, get) }), callback);
  await mkdir(dirname(socketPath), { recursive: true });
  await rm(socketPath, { force: true });
  const server = new Server();
  server.addService(podResourcesLister, get === 'absent' ? { List } : { List, Get });
  await promisify(server.bindAsync.bind(server))(`unix:${socketPath}`, ServerCredentials.createInsecure());
  const stop = async (): Promise<void> => server.forceShutdown();
  return { socketPath, stop, [Symbol.asyncDispose]: stop };
}

/** Finds a pod as Get does (server_v1.go), or throws its errors. */
function findPod(
  pods: readonly PodResources[],
  { pod_name, pod_namespace }: GetPodResourcesRequest,
  get: PodResourcesOptions['get'],
): PodResources {
  if (get === 'off') throw new Error('PodResources API Get method disabled');
  const found = pods.find(({ name, namespace }) => name === pod_name && namespace === pod_namespace);
  if (found === undefined) throw new Error(`pod ${pod_name} in namespace ${pod_namespace} not found`);
  return found;
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
