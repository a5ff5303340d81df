// SPDX-License-Identifier: Apache-2.0
// Generated from v1beta1.proto by npm run generate; not to be edited.
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { handleServerStreamingCall, handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";


export interface Empty {
}

export interface DevicePluginOptions {
  readonly pre_start_required: boolean;
  readonly get_preferred_allocation_available: boolean;
}

export interface RegisterRequest {
  /** "v1beta1" */
  readonly version: string;
  /** The file name of the plugin's socket in kubelet's directory. */
  readonly endpoint: string;
  /** The name of the extended resource: domain/name. */
  readonly resource_name: string;
  readonly options: DevicePluginOptions | null;
}

export interface ListAndWatchResponse {
  readonly devices: readonly Device[];
}

export interface Device {
  /** At most 63 characters. */
  readonly ID: string;
  /** "Healthy" or "Unhealthy" */
  readonly health: string;
  /** Absent if the device has no NUMA node. */
  readonly topology: TopologyInfo | null;
}

export interface TopologyInfo {
  readonly nodes: readonly NUMANode[];
}

export interface NUMANode {
  readonly ID: number;
}

export interface PreStartContainerRequest {
  readonly devices_ids: readonly string[];
}

export interface PreStartContainerResponse {
}

export interface PreferredAllocationRequest {
  readonly container_requests: readonly ContainerPreferredAllocationRequest[];
}

export interface ContainerPreferredAllocationRequest {
  readonly available_deviceIDs: readonly string[];
  readonly must_include_deviceIDs: readonly string[];
  readonly allocation_size: number;
}

export interface PreferredAllocationResponse {
  readonly container_responses: readonly ContainerPreferredAllocationResponse[];
}

export interface ContainerPreferredAllocationResponse {
  readonly deviceIDs: readonly string[];
}

export interface AllocateRequest {
  readonly container_requests: readonly ContainerAllocateRequest[];
}

export interface ContainerAllocateRequest {
  readonly devices_ids: readonly string[];
}

/** One container response for each container request, in the same order. */
export interface AllocateResponse {
  readonly container_responses: readonly ContainerAllocateResponse[];
}

export interface ContainerAllocateResponse {
  readonly envs: { [key: string]: string };
  readonly mounts: readonly Mount[];
  readonly devices: readonly DeviceSpec[];
  readonly annotations: { [key: string]: string };
  readonly cdi_devices: readonly CDIDevice[];
}

export interface ContainerAllocateResponse_EnvsEntry {
  readonly key: string;
  readonly value: string;
}

export interface ContainerAllocateResponse_AnnotationsEntry {
  readonly key: string;
  readonly value: string;
}

export interface Mount {
  readonly container_path: string;
  readonly host_path: string;
  readonly read_only: boolean;
}

export interface DeviceSpec {
  readonly container_path: string;
  readonly host_path: string;
  /** Any of "r" (read), "w" (write) and "m" (mknod). */
  readonly permissions: string;
}

export interface CDIDevice {
  readonly name: string;
}

function createBaseEmpty(): Empty {
  return {};
}

export const Empty: MessageFns<Empty> = {
  encode(_: Empty, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): Empty {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseEmpty() as any;
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

function createBaseDevicePluginOptions(): DevicePluginOptions {
  return { pre_start_required: false, get_preferred_allocation_available: false };
}

export const DevicePluginOptions: MessageFns<DevicePluginOptions> = {
  encode(message: DevicePluginOptions, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.pre_start_required !== false) {
      writer.uint32(8).bool(message.pre_start_required);
    }
    if (message.get_preferred_allocation_available !== false) {
      writer.uint32(16).bool(message.get_preferred_allocation_available);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): DevicePluginOptions {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseDevicePluginOptions() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 8) {
              break;
            }

            message.pre_start_required = reader.bool();
            continue;
          }
          case 2: {
            if (tag !== 16) {
              break;
            }

            message.get_preferred_allocation_available = reader.bool();
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

function createBaseRegisterRequest(): RegisterRequest {
  return { version: "", endpoint: "", resource_name: "", options: null };
}

export const RegisterRequest: MessageFns<RegisterRequest> = {
  encode(message: RegisterRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.version !== "") {
      writer.uint32(10).string(message.version);
    }
    if (message.endpoint !== "") {
      writer.uint32(18).string(message.endpoint);
    }
    if (message.resource_name !== "") {
      writer.uint32(26).string(message.resource_name);
    }
    if (message.options !== undefined && message.options !== null) {
      DevicePluginOptions.encode(message.options, writer.uint32(34).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): RegisterRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseRegisterRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.version = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.endpoint = reader.string();
            continue;
          }
          case 3: {
            if (tag !== 26) {
              break;
            }

            message.resource_name = reader.string();
            continue;
          }
          case 4: {
            if (tag !== 34) {
              break;
            }

            message.options = DevicePluginOptions.decode(reader, reader.uint32());
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

function createBaseListAndWatchResponse(): ListAndWatchResponse {
  return { devices: [] };
}

export const ListAndWatchResponse: MessageFns<ListAndWatchResponse> = {
  encode(message: ListAndWatchResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.devices) {
      Device.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ListAndWatchResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseListAndWatchResponse() as any;
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
  return { ID: "", health: "", topology: null };
}

export const Device: MessageFns<Device> = {
  encode(message: Device, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.ID !== "") {
      writer.uint32(10).string(message.ID);
    }
    if (message.health !== "") {
      writer.uint32(18).string(message.health);
    }
    if (message.topology !== undefined && message.topology !== null) {
      TopologyInfo.encode(message.topology, writer.uint32(26).fork()).join();
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

            message.ID = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.health = reader.string();
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

function createBasePreStartContainerRequest(): PreStartContainerRequest {
  return { devices_ids: [] };
}

export const PreStartContainerRequest: MessageFns<PreStartContainerRequest> = {
  encode(message: PreStartContainerRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.devices_ids) {
      writer.uint32(10).string(v!);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): PreStartContainerRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBasePreStartContainerRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.devices_ids.push(reader.string());
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

function createBasePreStartContainerResponse(): PreStartContainerResponse {
  return {};
}

export const PreStartContainerResponse: MessageFns<PreStartContainerResponse> = {
  encode(_: PreStartContainerResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): PreStartContainerResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBasePreStartContainerResponse() as any;
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

function createBasePreferredAllocationRequest(): PreferredAllocationRequest {
  return { container_requests: [] };
}

export const PreferredAllocationRequest: MessageFns<PreferredAllocationRequest> = {
  encode(message: PreferredAllocationRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.container_requests) {
      ContainerPreferredAllocationRequest.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): PreferredAllocationRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBasePreferredAllocationRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.container_requests.push(ContainerPreferredAllocationRequest.decode(reader, reader.uint32()));
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

function createBaseContainerPreferredAllocationRequest(): ContainerPreferredAllocationRequest {
  return { available_deviceIDs: [], must_include_deviceIDs: [], allocation_size: 0 };
}

export const ContainerPreferredAllocationRequest: MessageFns<ContainerPreferredAllocationRequest> = {
  encode(message: ContainerPreferredAllocationRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.available_deviceIDs) {
      writer.uint32(10).string(v!);
    }
    for (const v of message.must_include_deviceIDs) {
      writer.uint32(18).string(v!);
    }
    if (message.allocation_size !== 0) {
      writer.uint32(24).int32(message.allocation_size);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ContainerPreferredAllocationRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseContainerPreferredAllocationRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.available_deviceIDs.push(reader.string());
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.must_include_deviceIDs.push(reader.string());
            continue;
          }
          case 3: {
            if (tag !== 24) {
              break;
            }

            message.allocation_size = reader.int32();
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

function createBasePreferredAllocationResponse(): PreferredAllocationResponse {
  return { container_responses: [] };
}

export const PreferredAllocationResponse: MessageFns<PreferredAllocationResponse> = {
  encode(message: PreferredAllocationResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.container_responses) {
      ContainerPreferredAllocationResponse.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): PreferredAllocationResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBasePreferredAllocationResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.container_responses.push(ContainerPreferredAllocationResponse.decode(reader, reader.uint32()));
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

function createBaseContainerPreferredAllocationResponse(): ContainerPreferredAllocationResponse {
  return { deviceIDs: [] };
}

export const ContainerPreferredAllocationResponse: MessageFns<ContainerPreferredAllocationResponse> = {
  encode(message: ContainerPreferredAllocationResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.deviceIDs) {
      writer.uint32(10).string(v!);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ContainerPreferredAllocationResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseContainerPreferredAllocationResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.deviceIDs.push(reader.string());
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

function createBaseAllocateRequest(): AllocateRequest {
  return { container_requests: [] };
}

export const AllocateRequest: MessageFns<AllocateRequest> = {
  encode(message: AllocateRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.container_requests) {
      ContainerAllocateRequest.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): AllocateRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseAllocateRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.container_requests.push(ContainerAllocateRequest.decode(reader, reader.uint32()));
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

function createBaseContainerAllocateRequest(): ContainerAllocateRequest {
  return { devices_ids: [] };
}

export const ContainerAllocateRequest: MessageFns<ContainerAllocateRequest> = {
  encode(message: ContainerAllocateRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.devices_ids) {
      writer.uint32(10).string(v!);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ContainerAllocateRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseContainerAllocateRequest() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.devices_ids.push(reader.string());
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

function createBaseAllocateResponse(): AllocateResponse {
  return { container_responses: [] };
}

export const AllocateResponse: MessageFns<AllocateResponse> = {
  encode(message: AllocateResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    for (const v of message.container_responses) {
      ContainerAllocateResponse.encode(v!, writer.uint32(10).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): AllocateResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseAllocateResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.container_responses.push(ContainerAllocateResponse.decode(reader, reader.uint32()));
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

function createBaseContainerAllocateResponse(): ContainerAllocateResponse {
  return { envs: {}, mounts: [], devices: [], annotations: {}, cdi_devices: [] };
}

export const ContainerAllocateResponse: MessageFns<ContainerAllocateResponse> = {
  encode(message: ContainerAllocateResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    globalThis.Object.entries(message.envs).forEach(([key, value]: [string, string]) => {
      ContainerAllocateResponse_EnvsEntry.encode({ key: key as any, value }, writer.uint32(10).fork()).join();
    });
    for (const v of message.mounts) {
      Mount.encode(v!, writer.uint32(18).fork()).join();
    }
    for (const v of message.devices) {
      DeviceSpec.encode(v!, writer.uint32(26).fork()).join();
    }
    globalThis.Object.entries(message.annotations).forEach(([key, value]: [string, string]) => {
      ContainerAllocateResponse_AnnotationsEntry.encode({ key: key as any, value }, writer.uint32(34).fork()).join();
    });
    for (const v of message.cdi_devices) {
      CDIDevice.encode(v!, writer.uint32(42).fork()).join();
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ContainerAllocateResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseContainerAllocateResponse() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            const entry1 = ContainerAllocateResponse_EnvsEntry.decode(reader, reader.uint32());
            if (entry1.value !== undefined && entry1.value !== null) {
              message.envs[entry1.key] = entry1.value;
            }
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.mounts.push(Mount.decode(reader, reader.uint32()));
            continue;
          }
          case 3: {
            if (tag !== 26) {
              break;
            }

            message.devices.push(DeviceSpec.decode(reader, reader.uint32()));
            continue;
          }
          case 4: {
            if (tag !== 34) {
              break;
            }

            const entry4 = ContainerAllocateResponse_AnnotationsEntry.decode(reader, reader.uint32());
            if (entry4.value !== undefined && entry4.value !== null) {
              message.annotations[entry4.key] = entry4.value;
            }
            continue;
          }
          case 5: {
            if (tag !== 42) {
              break;
            }

            message.cdi_devices.push(CDIDevice.decode(reader, reader.uint32()));
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

function createBaseContainerAllocateResponse_EnvsEntry(): ContainerAllocateResponse_EnvsEntry {
  return { key: "", value: "" };
}

export const ContainerAllocateResponse_EnvsEntry: MessageFns<ContainerAllocateResponse_EnvsEntry> = {
  encode(message: ContainerAllocateResponse_EnvsEntry, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.key !== "") {
      writer.uint32(10).string(message.key);
    }
    if (message.value !== "") {
      writer.uint32(18).string(message.value);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ContainerAllocateResponse_EnvsEntry {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseContainerAllocateResponse_EnvsEntry() as any;
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

            message.value = reader.string();
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

function createBaseContainerAllocateResponse_AnnotationsEntry(): ContainerAllocateResponse_AnnotationsEntry {
  return { key: "", value: "" };
}

export const ContainerAllocateResponse_AnnotationsEntry: MessageFns<ContainerAllocateResponse_AnnotationsEntry> = {
  encode(message: ContainerAllocateResponse_AnnotationsEntry, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.key !== "") {
      writer.uint32(10).string(message.key);
    }
    if (message.value !== "") {
      writer.uint32(18).string(message.value);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): ContainerAllocateResponse_AnnotationsEntry {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseContainerAllocateResponse_AnnotationsEntry() as any;
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

            message.value = reader.string();
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

function createBaseMount(): Mount {
  return { container_path: "", host_path: "", read_only: false };
}

export const Mount: MessageFns<Mount> = {
  encode(message: Mount, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.container_path !== "") {
      writer.uint32(10).string(message.container_path);
    }
    if (message.host_path !== "") {
      writer.uint32(18).string(message.host_path);
    }
    if (message.read_only !== false) {
      writer.uint32(24).bool(message.read_only);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): Mount {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseMount() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.container_path = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.host_path = reader.string();
            continue;
          }
          case 3: {
            if (tag !== 24) {
              break;
            }

            message.read_only = reader.bool();
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

function createBaseDeviceSpec(): DeviceSpec {
  return { container_path: "", host_path: "", permissions: "" };
}

export const DeviceSpec: MessageFns<DeviceSpec> = {
  encode(message: DeviceSpec, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.container_path !== "") {
      writer.uint32(10).string(message.container_path);
    }
    if (message.host_path !== "") {
      writer.uint32(18).string(message.host_path);
    }
    if (message.permissions !== "") {
      writer.uint32(26).string(message.permissions);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): DeviceSpec {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseDeviceSpec() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.container_path = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.host_path = reader.string();
            continue;
          }
          case 3: {
            if (tag !== 26) {
              break;
            }

            message.permissions = reader.string();
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

function createBaseCDIDevice(): CDIDevice {
  return { name: "" };
}

export const CDIDevice: MessageFns<CDIDevice> = {
  encode(message: CDIDevice, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.name !== "") {
      writer.uint32(10).string(message.name);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): CDIDevice {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseCDIDevice() as any;
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

/** Served by kubelet on kubelet.sock. */
export type RegistrationService = typeof RegistrationService;
export const RegistrationService = {
  /** Answered only after kubelet has connected to the endpoint. */
  register: {
    path: "/v1beta1.Registration/Register" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: RegisterRequest): Buffer => Buffer.from(RegisterRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): RegisterRequest => RegisterRequest.decode(value),
    responseSerialize: (value: Empty): Buffer => Buffer.from(Empty.encode(value).finish()),
    responseDeserialize: (value: Buffer): Empty => Empty.decode(value),
  },
} as const;

export interface RegistrationServer extends UntypedServiceImplementation {
  /** Answered only after kubelet has connected to the endpoint. */
  register: handleUnaryCall<RegisterRequest, Empty>;
}

/** Served by the plugin, one server for each resource. */
export type DevicePluginService = typeof DevicePluginService;
export const DevicePluginService = {
  getDevicePluginOptions: {
    path: "/v1beta1.DevicePlugin/GetDevicePluginOptions" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: Empty): Buffer => Buffer.from(Empty.encode(value).finish()),
    requestDeserialize: (value: Buffer): Empty => Empty.decode(value),
    responseSerialize: (value: DevicePluginOptions): Buffer => Buffer.from(DevicePluginOptions.encode(value).finish()),
    responseDeserialize: (value: Buffer): DevicePluginOptions => DevicePluginOptions.decode(value),
  },
  /**
   * The stream stays open. Kubelet gets the whole list at once, and again after each change. The stream's end means
   * that the plugin is gone.
   */
  listAndWatch: {
    path: "/v1beta1.DevicePlugin/ListAndWatch" as const,
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (value: Empty): Buffer => Buffer.from(Empty.encode(value).finish()),
    requestDeserialize: (value: Buffer): Empty => Empty.decode(value),
    responseSerialize: (value: ListAndWatchResponse): Buffer =>
      Buffer.from(ListAndWatchResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ListAndWatchResponse => ListAndWatchResponse.decode(value),
  },
  /** The answer is only a hint: kubelet uses the devices in it that are still free, and chooses the others itself. */
  getPreferredAllocation: {
    path: "/v1beta1.DevicePlugin/GetPreferredAllocation" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: PreferredAllocationRequest): Buffer =>
      Buffer.from(PreferredAllocationRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): PreferredAllocationRequest => PreferredAllocationRequest.decode(value),
    responseSerialize: (value: PreferredAllocationResponse): Buffer =>
      Buffer.from(PreferredAllocationResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): PreferredAllocationResponse => PreferredAllocationResponse.decode(value),
  },
  /** Called while a pod is admitted. An error makes the pod fail permanently. */
  allocate: {
    path: "/v1beta1.DevicePlugin/Allocate" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: AllocateRequest): Buffer => Buffer.from(AllocateRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): AllocateRequest => AllocateRequest.decode(value),
    responseSerialize: (value: AllocateResponse): Buffer => Buffer.from(AllocateResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): AllocateResponse => AllocateResponse.decode(value),
  },
  /** Called before each start of a container, including restarts, if `pre_start_required` is true. */
  preStartContainer: {
    path: "/v1beta1.DevicePlugin/PreStartContainer" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: PreStartContainerRequest): Buffer =>
      Buffer.from(PreStartContainerRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): PreStartContainerRequest => PreStartContainerRequest.decode(value),
    responseSerialize: (value: PreStartContainerResponse): Buffer =>
      Buffer.from(PreStartContainerResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): PreStartContainerResponse => PreStartContainerResponse.decode(value),
  },
} as const;

export interface DevicePluginServer extends UntypedServiceImplementation {
  getDevicePluginOptions: handleUnaryCall<Empty, DevicePluginOptions>;
  /**
   * The stream stays open. Kubelet gets the whole list at once, and again after each change. The stream's end means
   * that the plugin is gone.
   */
  listAndWatch: handleServerStreamingCall<Empty, ListAndWatchResponse>;
  /** The answer is only a hint: kubelet uses the devices in it that are still free, and chooses the others itself. */
  getPreferredAllocation: handleUnaryCall<PreferredAllocationRequest, PreferredAllocationResponse>;
  /** Called while a pod is admitted. An error makes the pod fail permanently. */
  allocate: handleUnaryCall<AllocateRequest, AllocateResponse>;
  /** Called before each start of a container, including restarts, if `pre_start_required` is true. */
  preStartContainer: handleUnaryCall<PreStartContainerRequest, PreStartContainerResponse>;
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
