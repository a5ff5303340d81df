// SPDX-License-Identifier: Apache-2.0
// Generated from v1.proto by npm run generate; not to be edited.
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";


export interface ListPodResourcesRequest {
}

export interface ListPodResourcesResponse {
  /** Every pod that kubelet counts as active, including pods without devices. */
  readonly pod_resources: readonly PodResources[];
}

export interface PodResources {
  readonly name: string;
  readonly namespace: string;
  /** Ordinary containers and restartable init containers. Other init containers and ephemeral containers are not listed. */
  readonly containers: readonly ContainerResources[];
}

export interface ContainerResources {
  readonly name: string;
  /** One entry for each NUMA node of each device. The same resource and device may therefore appear several times. */
  readonly devices: readonly ContainerDevices[];
}

export interface ContainerDevices {
  readonly resource_name: string;
  readonly device_ids: readonly string[];
}

export interface GetPodResourcesRequest {
  readonly pod_name: string;
  readonly pod_namespace: string;
}

export interface GetPodResourcesResponse {
  readonly pod_resources: PodResources | null;
}

function createBaseListPodResourcesRequest(): ListPodResourcesRequest {
  return {};
}

export const ListPodResourcesRequest: MessageFns<ListPodResourcesRequest> = {
  encode(_: ListPodResourcesRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ListPodResourcesRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseListPodResourcesRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
        }
        if ((tag & 7) === 4 || tag === 0) {
          break;
        }
        reader.skip(tag & 7);
      }
      return message;
    } finally {
      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;
    }
  },
};

function createBaseListPodResourcesResponse(): ListPodResourcesResponse {
  return { pod_resources: [] };
}

export const ListPodResourcesResponse: MessageFns<ListPodResourcesResponse> = {
  encode(message: ListPodResourcesResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.pod_resources) {
      PodResources.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ListPodResourcesResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseListPodResourcesResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.pod_resources.push(PodResources.decode(reader, reader.uint32()));
            continue;
          }
        }
        if ((tag & 7) === 4 || tag === 0) {
          break;
        }
        reader.skip(tag & 7);
      }
      return message;
    } finally {
      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;
    }
  },
};

function createBasePodResources(): PodResources {
  return { name: "", namespace: "", containers: [] };
}

export const PodResources: MessageFns<PodResources> = {
  encode(message: PodResources, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.name !== "") {
      writer.uint32(10).string(message.name);
    }
    if (message.namespace !== "") {
      writer.uint32(18).string(message.namespace);
    }
    for (const v of message.containers) {
      ContainerResources.encode(v!, writer.uint32(26).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): PodResources {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBasePodResources() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.name = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.namespace = reader.string();
            continue;
          }
          case 3: {
            if (tag !== 26) {
              break;
            }

            message.containers.push(ContainerResources.decode(reader, reader.uint32()));
            continue;
          }
        }
        if ((tag & 7) === 4 || tag === 0) {
          break;
        }
        reader.skip(tag & 7);
      }
      return message;
    } finally {
      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;
    }
  },
};

function createBaseContainerResources(): ContainerResources {
  return { name: "", devices: [] };
}

export const ContainerResources: MessageFns<ContainerResources> = {
  encode(message: ContainerResources, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.name !== "") {
      writer.uint32(10).string(message.name);
    }
    for (const v of message.devices) {
      ContainerDevices.encode(v!, writer.uint32(18).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ContainerResources {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseContainerResources() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.name = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.devices.push(ContainerDevices.decode(reader, reader.uint32()));
            continue;
          }
        }
        if ((tag & 7) === 4 || tag === 0) {
          break;
        }
        reader.skip(tag & 7);
      }
      return message;
    } finally {
      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;
    }
  },
};

function createBaseContainerDevices(): ContainerDevices {
  return { resource_name: "", device_ids: [] };
}

export const ContainerDevices: MessageFns<ContainerDevices> = {
  encode(message: ContainerDevices, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.resource_name !== "") {
      writer.uint32(10).string(message.resource_name);
    }
    for (const v of message.device_ids) {
      writer.uint32(18).string(v!);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ContainerDevices {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseContainerDevices() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.resource_name = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.device_ids.push(reader.string());
            continue;
          }
        }
        if ((tag & 7) === 4 || tag === 0) {
          break;
        }
        reader.skip(tag & 7);
      }
      return message;
    } finally {
      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;
    }
  },
};

function createBaseGetPodResourcesRequest(): GetPodResourcesRequest {
  return { pod_name: "", pod_namespace: "" };
}

export const GetPodResourcesRequest: MessageFns<GetPodResourcesRequest> = {
  encode(message: GetPodResourcesRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.pod_name !== "") {
      writer.uint32(10).string(message.pod_name);
    }
    if (message.pod_namespace !== "") {
      writer.uint32(18).string(message.pod_namespace);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): GetPodResourcesRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseGetPodResourcesRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.pod_name = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.pod_namespace = reader.string();
            continue;
          }
        }
        if ((tag & 7) === 4 || tag === 0) {
          break;
        }
        reader.skip(tag & 7);
      }
      return message;
    } finally {
      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;
    }
  },
};

function createBaseGetPodResourcesResponse(): GetPodResourcesResponse {
  return { pod_resources: null };
}

export const GetPodResourcesResponse: MessageFns<GetPodResourcesResponse> = {
  encode(message: GetPodResourcesResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.pod_resources !== undefined && message.pod_resources !== null) {
      PodResources.encode(message.pod_resources, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): GetPodResourcesResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseGetPodResourcesResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.pod_resources = PodResources.decode(reader, reader.uint32());
            continue;
          }
        }
        if ((tag & 7) === 4 || tag === 0) {
          break;
        }
        reader.skip(tag & 7);
      }
      return message;
    } finally {
      (reader as any).__tsProtoDecodeDepth = previousRecursionDepth;
    }
  },
};

/** Served by kubelet on pod-resources/kubelet.sock. */
export type PodResourcesListerService = typeof PodResourcesListerService;
export const PodResourcesListerService = {
  list: {
    path: "/v1.PodResourcesLister/List" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ListPodResourcesRequest): Buffer =>
      Buffer.from(ListPodResourcesRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ListPodResourcesRequest => ListPodResourcesRequest.decode(value),
    responseSerialize: (value: ListPodResourcesResponse): Buffer =>
      Buffer.from(ListPodResourcesResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ListPodResourcesResponse => ListPodResourcesResponse.decode(value),
  },
  /** Needs the feature gate KubeletPodResourcesGet, which is on by default since 1.34. */
  get: {
    path: "/v1.PodResourcesLister/Get" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: GetPodResourcesRequest): Buffer =>
      Buffer.from(GetPodResourcesRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): GetPodResourcesRequest => GetPodResourcesRequest.decode(value),
    responseSerialize: (value: GetPodResourcesResponse): Buffer =>
      Buffer.from(GetPodResourcesResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): GetPodResourcesResponse => GetPodResourcesResponse.decode(value),
  },
} as const;

export interface PodResourcesListerServer extends UntypedServiceImplementation {
  list: handleUnaryCall<ListPodResourcesRequest, ListPodResourcesResponse>;
  /** Needs the feature gate KubeletPodResourcesGet, which is on by default since 1.34. */
  get: handleUnaryCall<GetPodResourcesRequest, GetPodResourcesResponse>;
}

interface MessageFns<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader | Uint8Array, length?: number): T;
}
