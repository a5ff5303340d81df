// SPDX-License-Identifier: Apache-2.0
// Generated from pod-resources.proto by npm run generate; not to be edited.
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";


export interface AllocatableResourcesRequest {
}

export interface AllocatableResourcesResponse {
  readonly devices: readonly ContainerDevices[];
}

export interface ContainerDevices {
  readonly resource_name: string;
  readonly device_ids: readonly string[];
  readonly topology: TopologyInfo | null;
}

export interface TopologyInfo {
  readonly nodes: readonly NUMANode[];
}

export interface NUMANode {
  readonly ID: number;
}

function createBaseAllocatableResourcesRequest(): AllocatableResourcesRequest {
  return {};
}

export const AllocatableResourcesRequest: MessageFns<AllocatableResourcesRequest> = {
  encode(_: AllocatableResourcesRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): AllocatableResourcesRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseAllocatableResourcesRequest() as any;
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

function createBaseAllocatableResourcesResponse(): AllocatableResourcesResponse {
  return { devices: [] };
}

export const AllocatableResourcesResponse: MessageFns<AllocatableResourcesResponse> = {
  encode(message: AllocatableResourcesResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.devices) {
      ContainerDevices.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): AllocatableResourcesResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseAllocatableResourcesResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
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
  return { resource_name: "", device_ids: [], topology: null };
}

export const ContainerDevices: MessageFns<ContainerDevices> = {
  encode(message: ContainerDevices, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.resource_name !== "") {
      writer.uint32(10).string(message.resource_name);
    }
    for (const v of message.device_ids) {
      writer.uint32(18).string(v!);
    }
    if (message.topology !== undefined && message.topology !== null) {
      TopologyInfo.encode(message.topology, writer.uint32(26).fork()).join();
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
          case 3: {
            if (tag !== 26) {
              break;
            }

            message.topology = TopologyInfo.decode(reader, reader.uint32());
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

function createBaseTopologyInfo(): TopologyInfo {
  return { nodes: [] };
}

export const TopologyInfo: MessageFns<TopologyInfo> = {
  encode(message: TopologyInfo, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.nodes) {
      NUMANode.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): TopologyInfo {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseTopologyInfo() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.nodes.push(NUMANode.decode(reader, reader.uint32()));
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

function createBaseNUMANode(): NUMANode {
  return { ID: 0 };
}

export const NUMANode: MessageFns<NUMANode> = {
  encode(message: NUMANode, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.ID !== 0) {
      writer.uint32(8).int64(message.ID);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NUMANode {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNUMANode() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 8) {
              break;
            }

            message.ID = longToNumber(reader.int64());
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

export type PodResourcesListerService = typeof PodResourcesListerService;
export const PodResourcesListerService = {
  getAllocatableResources: {
    path: "/v1.PodResourcesLister/GetAllocatableResources" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: AllocatableResourcesRequest): Buffer =>
      Buffer.from(AllocatableResourcesRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): AllocatableResourcesRequest => AllocatableResourcesRequest.decode(value),
    responseSerialize: (value: AllocatableResourcesResponse): Buffer =>
      Buffer.from(AllocatableResourcesResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): AllocatableResourcesResponse => AllocatableResourcesResponse.decode(value),
  },
} as const;

export interface PodResourcesListerServer extends UntypedServiceImplementation {
  getAllocatableResources: handleUnaryCall<AllocatableResourcesRequest, AllocatableResourcesResponse>;
}

function longToNumber(int64: { toString(): string }): number {
  const num = globalThis.Number(int64.toString());
  if (num > globalThis.Number.MAX_SAFE_INTEGER) {
    throw new globalThis.Error("Value is larger than Number.MAX_SAFE_INTEGER");
  }
  if (num < globalThis.Number.MIN_SAFE_INTEGER) {
    throw new globalThis.Error("Value is smaller than Number.MIN_SAFE_INTEGER");
  }
  return num;
}

interface MessageFns<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader | Uint8Array, length?: number): T;
}
