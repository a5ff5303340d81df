// SPDX-License-Identifier: Apache-2.0
// Generated from pluginregistration.proto by npm run generate; not to be edited.
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";


export interface InfoRequest {
}

export interface PluginInfo {
  /** DRAPlugin for a driver of dynamic resource allocation. */
  readonly type: string;
  /** The name of the driver. */
  readonly name: string;
  /** The path of the socket that serves the driver. */
  readonly endpoint: string;
  /** The gRPC services of the driver: v1.DRAPlugin. */
  readonly supported_versions: readonly string[];
}

export interface RegistrationStatus {
  readonly plugin_registered: boolean;
  readonly error: string;
}

export interface RegistrationStatusResponse {
}

function createBaseInfoRequest(): InfoRequest {
  return {};
}

export const InfoRequest: MessageFns<InfoRequest> = {
  encode(_: InfoRequest, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): InfoRequest {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseInfoRequest() as any;
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

function createBasePluginInfo(): PluginInfo {
  return { type: "", name: "", endpoint: "", supported_versions: [] };
}

export const PluginInfo: MessageFns<PluginInfo> = {
  encode(message: PluginInfo, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.type !== "") {
      writer.uint32(10).string(message.type);
    }
    if (message.name !== "") {
      writer.uint32(18).string(message.name);
    }
    if (message.endpoint !== "") {
      writer.uint32(26).string(message.endpoint);
    }
    for (const v of message.supported_versions) {
      writer.uint32(34).string(v!);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): PluginInfo {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBasePluginInfo() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 10) {
              break;
            }

            message.type = reader.string();
            continue;
          }
          case 2: {
            if (tag !== 18) {
              break;
            }

            message.name = reader.string();
            continue;
          }
          case 3: {
            if (tag !== 26) {
              break;
            }

            message.endpoint = reader.string();
            continue;
          }
          case 4: {
            if (tag !== 34) {
              break;
            }

            message.supported_versions.push(reader.string());
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

function createBaseRegistrationStatus(): RegistrationStatus {
  return { plugin_registered: false, error: "" };
}

export const RegistrationStatus: MessageFns<RegistrationStatus> = {
  encode(message: RegistrationStatus, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    if (message.plugin_registered !== false) {
      writer.uint32(8).bool(message.plugin_registered);
    }
    if (message.error !== "") {
      writer.uint32(18).string(message.error);
    }
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): RegistrationStatus {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseRegistrationStatus() as any;
      while (reader.pos < end) {
        const tag = reader.uint32();
        switch (tag >>> 3) {
          case 1: {
            if (tag !== 8) {
              break;
            }

            message.plugin_registered = reader.bool();
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

function createBaseRegistrationStatusResponse(): RegistrationStatusResponse {
  return {};
}

export const RegistrationStatusResponse: MessageFns<RegistrationStatusResponse> = {
  encode(_: RegistrationStatusResponse, writer: BinaryWriter = new BinaryWriter()): BinaryWriter {
    return writer;
  },

  decode(input: BinaryReader | Uint8Array, length?: number): RegistrationStatusResponse {
    const reader = input instanceof BinaryReader ? input : new BinaryReader(input);
    const previousRecursionDepth = (reader as any).__tsProtoDecodeDepth ?? 0;
    if (previousRecursionDepth >= 100) {
      throw new globalThis.Error("protobuf decode recursion limit exceeded");
    }
    (reader as any).__tsProtoDecodeDepth = previousRecursionDepth + 1;
    try {
      const end = length === undefined ? reader.len : reader.pos + length;
      const message = createBaseRegistrationStatusResponse() as any;
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

/** Served by the driver. Kubelet calls it for each socket in its directory, and again after its start. */
export type RegistrationService = typeof RegistrationService;
export const RegistrationService = {
  getInfo: {
    path: "/pluginregistration.Registration/GetInfo" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: InfoRequest): Buffer => Buffer.from(InfoRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): InfoRequest => InfoRequest.decode(value),
    responseSerialize: (value: PluginInfo): Buffer => Buffer.from(PluginInfo.encode(value).finish()),
    responseDeserialize: (value: Buffer): PluginInfo => PluginInfo.decode(value),
  },
  notifyRegistrationStatus: {
    path: "/pluginregistration.Registration/NotifyRegistrationStatus" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: RegistrationStatus): Buffer => Buffer.from(RegistrationStatus.encode(value).finish()),
    requestDeserialize: (value: Buffer): RegistrationStatus => RegistrationStatus.decode(value),
    responseSerialize: (value: RegistrationStatusResponse): Buffer =>
      Buffer.from(RegistrationStatusResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): RegistrationStatusResponse => RegistrationStatusResponse.decode(value),
  },
} as const;

export interface RegistrationServer extends UntypedServiceImplementation {
  getInfo: handleUnaryCall<InfoRequest, PluginInfo>;
  notifyRegistrationStatus: handleUnaryCall<RegistrationStatus, RegistrationStatusResponse>;
}

interface MessageFns<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  decode(input: BinaryReader | Uint8Array, length?: number): T;
}
