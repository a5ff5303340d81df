// SPDX-License-Identifier: Apache-2.0
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadProto } from '../grpc-client.ts';

/** The version that kubelet requires in a RegisterRequest (deviceplugin/v1beta1/constants.go). */
export const apiVersion = 'v1beta1';

/** Kubelet's registration socket in its device-plugins directory (deviceplugin/v1beta1/constants.go). */
export const kubeletSocketName = 'kubelet.sock';

/** The two values of `Device.health` (deviceplugin/v1beta1/constants.go). */
export const health = { healthy: 'Healthy', unhealthy: 'Unhealthy' } as const;

export type Empty = Readonly<Record<string, never>>;

export interface DevicePluginOptions {
  readonly pre_start_required: boolean;
  readonly get_preferred_allocation_available: boolean;
}

export interface RegisterRequest {
  readonly version: string;
  readonly endpoint: string;
  readonly resource_name: string;
  readonly options: DevicePluginOptions | null;
}

export interface DeviceMessage {
  readonly ID: string;
  readonly health: string;
  readonly topology: { readonly nodes: readonly { readonly ID: number }[] } | null;
}

export interface ListAndWatchResponse {
  readonly devices: readonly DeviceMessage[];
}

export interface PreStartContainerRequest {
  readonly devices_ids: readonly string[];
}

interface ContainerPreferredAllocationRequest {
  readonly available_deviceIDs: readonly string[];
  readonly must_include_deviceIDs: readonly string[];
  readonly allocation_size: number;
}

export interface PreferredAllocationRequest {
  readonly container_requests: readonly ContainerPreferredAllocationRequest[];
}

export interface PreferredAllocationResponse {
  readonly container_responses: readonly { readonly deviceIDs: readonly string[] }[];
}

export interface AllocateRequest {
  readonly container_requests: readonly { readonly devices_ids: readonly string[] }[];
}

/**
 * The devices and settings of a container. An absent field is sent as an empty one. A decoded message has all fields.
 */
export interface ContainerAllocateResponse {
  readonly envs?: Readonly<Record<string, string>>;
  readonly mounts?: readonly {
    readonly container_path: string;
    readonly host_path: string;
    readonly read_only: boolean;
  }[];
  readonly devices?: readonly DeviceSpec[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly cdi_devices?: readonly { readonly name: string }[];
}

/** @example { container_path: '/dev/tap1073741825', host_path: '/dev/tap1073741825', permissions: 'rw' } */
export interface DeviceSpec {
  readonly container_path: string;
  readonly host_path: string;
  readonly permissions: string;
}

export interface AllocateResponse {
  readonly container_responses: readonly ContainerAllocateResponse[];
}

export interface RegistrationService extends ServiceDefinition {
  readonly Register: MethodDefinition<RegisterRequest, Empty>;
}

export interface DevicePluginService extends ServiceDefinition {
  readonly GetDevicePluginOptions: MethodDefinition<Empty, DevicePluginOptions>;
  readonly ListAndWatch: MethodDefinition<Empty, ListAndWatchResponse>;
  readonly GetPreferredAllocation: MethodDefinition<PreferredAllocationRequest, PreferredAllocationResponse>;
  readonly Allocate: MethodDefinition<AllocateRequest, AllocateResponse>;
  readonly PreStartContainer: MethodDefinition<PreStartContainerRequest, Empty>;
}

const definition = loadProto(new URL('./v1beta1.proto', import.meta.url));

/** Kubelet's service. The type mirrors v1beta1.proto; v1beta1.test.ts compares both with literal bytes. */
export const registrationService = definition['v1beta1.Registration'] as unknown as RegistrationService;

/** The plugin's service. See `registrationService` for the type. */
export const devicePluginService = definition['v1beta1.DevicePlugin'] as unknown as DevicePluginService;
