// SPDX-License-Identifier: Apache-2.0
// Generated from dra-v1.proto by npm run generate; not to be edited.
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";


export interface NodePrepareResourcesRequest {
  readonly claims: readonly Claim[];
}

export interface NodePrepareResourcesResponse {
  /** One entry for each claim of the request, by the claim's UID. */
  readonly claims: { [key: string]: NodePrepareResourceResponse };
}

export interface NodePrepareResourcesResponse_ClaimsEntry {
  readonly key: string;
  readonly value: NodePrepareResourceResponse | null;
}

export interface NodePrepareResourceResponse {
  readonly devices: readonly Device[];
  /** Not empty if the claim could not be prepared. Kubelet then tries again. */
  readonly error: string;
}

export interface Device {
  /** The requests in the claim that the device satisfies. */
  readonly request_names: readonly string[];
  readonly pool_name: string;
  readonly device_name: string;
  readonly cdi_device_ids: readonly string[];
}

export interface NodeUnprepareResourcesRequest {
  readonly claims: readonly Claim[];
}

export interface NodeUnprepareResourcesResponse {
  /** One entry for each claim of the request, by the claim's UID. */
  readonly claims: { [key: string]: NodeUnprepareResourceResponse };
}

export interface NodeUnprepareResourcesResponse_ClaimsEntry {
  readonly key: string;
  readonly value: NodeUnprepareResourceResponse | null;
}

export interface NodeUnprepareResourceResponse {
  readonly error: string;
}

export interface Claim {
  readonly namespace: string;
  readonly uid: string;
  readonly name: string;
}

function createBaseNodePrepareResourcesRequest(): NodePrepareResourcesRequest {
  return { claims: [] };
}

export const NodePrepareResourcesRequest: MessageFns<NodePrepareResourcesRequest> = {
  encode(message: NodePrepareResourcesRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.claims) {
      Claim.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NodePrepareResourcesRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNodePrepareResourcesRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.claims.push(Claim.decode(reader, reader.uint32()));
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

function createBaseNodePrepareResourcesResponse(): NodePrepareResourcesResponse {
  return { claims: {} };
}

export const NodePrepareResourcesResponse: MessageFns<NodePrepareResourcesResponse> = {
  encode(message: NodePrepareResourcesResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    globalThis.Object.entries(message.claims).forEach(([key, value]: [string, NodePrepareResourceResponse]) => {
      NodePrepareResourcesResponse_ClaimsEntry.encode({ key: key as any, value }, writer.uint32(10).fork()).join();
    });
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NodePrepareResourcesResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNodePrepareResourcesResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            const entry1 = NodePrepareResourcesResponse_ClaimsEntry.decode(reader, reader.uint32());
            if (entry1.value !== undefined && entry1.value !== null) {
              message.claims[entry1.key] = entry1.value;
            }
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

function createBaseNodePrepareResourcesResponse_ClaimsEntry(): NodePrepareResourcesResponse_ClaimsEntry {
  return { key: "", value: null };
}

export const NodePrepareResourcesResponse_ClaimsEntry: MessageFns<NodePrepareResourcesResponse_ClaimsEntry> = {
  encode(message: NodePrepareResourcesResponse_ClaimsEntry, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.key !== "") {
      writer.uint32(10).string(message.key);
    }
    if (message.value !== undefined && message.value !== null) {
      NodePrepareResourceResponse.encode(message.value, writer.uint32(18).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NodePrepareResourcesResponse_ClaimsEntry {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNodePrepareResourcesResponse_ClaimsEntry() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.key = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.value = NodePrepareResourceResponse.decode(reader, reader.uint32());
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

function createBaseNodePrepareResourceResponse(): NodePrepareResourceResponse {
  return { devices: [], error: "" };
}

export const NodePrepareResourceResponse: MessageFns<NodePrepareResourceResponse> = {
  encode(message: NodePrepareResourceResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.devices) {
      Device.encode(v!, writer.uint32(10).fork()).join();
    }
    if (message.error !== "") {
      writer.uint32(18).string(message.error);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NodePrepareResourceResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNodePrepareResourceResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.devices.push(Device.decode(reader, reader.uint32()));
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.error = reader.string();
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

function createBaseDevice(): Device {
  return { request_names: [], pool_name: "", device_name: "", cdi_device_ids: [] };
}

export const Device: MessageFns<Device> = {
  encode(message: Device, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.request_names) {
      writer.uint32(10).string(v!);
    }
    if (message.pool_name !== "") {
      writer.uint32(18).string(message.pool_name);
    }
    if (message.device_name !== "") {
      writer.uint32(26).string(message.device_name);
    }
    for (const v of message.cdi_device_ids) {
      writer.uint32(34).string(v!);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): Device {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseDevice() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.request_names.push(reader.string());
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.pool_name = reader.string();
            continue;
          }
          case 3: {
            if (tag !== 26) {
              break;
            }

            message.device_name = reader.string();
            continue;
          }
          case 4: {
            if (tag !== 34) {
              break;
            }

            message.cdi_device_ids.push(reader.string());
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

function createBaseNodeUnprepareResourcesRequest(): NodeUnprepareResourcesRequest {
  return { claims: [] };
}

export const NodeUnprepareResourcesRequest: MessageFns<NodeUnprepareResourcesRequest> = {
  encode(message: NodeUnprepareResourcesRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.claims) {
      Claim.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NodeUnprepareResourcesRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNodeUnprepareResourcesRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.claims.push(Claim.decode(reader, reader.uint32()));
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

function createBaseNodeUnprepareResourcesResponse(): NodeUnprepareResourcesResponse {
  return { claims: {} };
}

export const NodeUnprepareResourcesResponse: MessageFns<NodeUnprepareResourcesResponse> = {
  encode(message: NodeUnprepareResourcesResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    globalThis.Object.entries(message.claims).forEach(([key, value]: [string, NodeUnprepareResourceResponse]) => {
      NodeUnprepareResourcesResponse_ClaimsEntry.encode({ key: key as any, value }, writer.uint32(10).fork()).join();
    });
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NodeUnprepareResourcesResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNodeUnprepareResourcesResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            const entry1 = NodeUnprepareResourcesResponse_ClaimsEntry.decode(reader, reader.uint32());
            if (entry1.value !== undefined && entry1.value !== null) {
              message.claims[entry1.key] = entry1.value;
            }
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

function createBaseNodeUnprepareResourcesResponse_ClaimsEntry(): NodeUnprepareResourcesResponse_ClaimsEntry {
  return { key: "", value: null };
}

export const NodeUnprepareResourcesResponse_ClaimsEntry: MessageFns<NodeUnprepareResourcesResponse_ClaimsEntry> = {
  encode(message: NodeUnprepareResourcesResponse_ClaimsEntry, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.key !== "") {
      writer.uint32(10).string(message.key);
    }
    if (message.value !== undefined && message.value !== null) {
      NodeUnprepareResourceResponse.encode(message.value, writer.uint32(18).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NodeUnprepareResourcesResponse_ClaimsEntry {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNodeUnprepareResourcesResponse_ClaimsEntry() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.key = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.value = NodeUnprepareResourceResponse.decode(reader, reader.uint32());
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

function createBaseNodeUnprepareResourceResponse(): NodeUnprepareResourceResponse {
  return { error: "" };
}

export const NodeUnprepareResourceResponse: MessageFns<NodeUnprepareResourceResponse> = {
  encode(message: NodeUnprepareResourceResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.error !== "") {
      writer.uint32(10).string(message.error);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): NodeUnprepareResourceResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseNodeUnprepareResourceResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.error = reader.string();
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

function createBaseClaim(): Claim {
  return { namespace: "", uid: "", name: "" };
}

export const Claim: MessageFns<Claim> = {
  encode(message: Claim, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.namespace !== "") {
      writer.uint32(10).string(message.namespace);
    }
    if (message.uid !== "") {
      writer.uint32(18).string(message.uid);
    }
    if (message.name !== "") {
      writer.uint32(26).string(message.name);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): Claim {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseClaim() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.namespace = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.uid = reader.string();
            continue;
          }
          case 3: {
            if (tag !== 26) {
              break;
            }

            message.name = reader.string();
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

/** Served by the driver on the endpoint that it registers. */
export type DRAPluginService = typeof DRAPluginService;
export const DRAPluginService = {
  nodePrepareResources: {
    path: "/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodePrepareResources" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: NodePrepareResourcesRequest): Buffer =>
      Buffer.from(NodePrepareResourcesRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): NodePrepareResourcesRequest => NodePrepareResourcesRequest.decode(value),
    responseSerialize: (value: NodePrepareResourcesResponse): Buffer =>
      Buffer.from(NodePrepareResourcesResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): NodePrepareResourcesResponse => NodePrepareResourcesResponse.decode(value),
  },
  nodeUnprepareResources: {
    path: "/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodeUnprepareResources" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: NodeUnprepareResourcesRequest): Buffer =>
      Buffer.from(NodeUnprepareResourcesRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): NodeUnprepareResourcesRequest => NodeUnprepareResourcesRequest.decode(value),
    responseSerialize: (value: NodeUnprepareResourcesResponse): Buffer =>
      Buffer.from(NodeUnprepareResourcesResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): NodeUnprepareResourcesResponse =>
      NodeUnprepareResourcesResponse.decode(value),
  },
} as const;

export interface DRAPluginServer extends UntypedServiceImplementation {
  nodePrepareResources: handleUnaryCall<NodePrepareResourcesRequest, NodePrepareResourcesResponse>;
  nodeUnprepareResources: handleUnaryCall<NodeUnprepareResourcesRequest, NodeUnprepareResourcesResponse>;
}

interface MessageFns<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader | Uint8Array, length?: number): T;
}
