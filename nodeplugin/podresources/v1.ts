// SPDX-License-Identifier: Apache-2.0
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadProto } from '../grpc/load-proto.ts';

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

/** What kubelet serves. The type is a promise of v1.proto, which v1.test.ts holds against literal bytes. */
export const podResourcesLister = definition['v1.PodResourcesLister'] as unknown as PodResourcesListerService;
