// SPDX-License-Identifier: Apache-2.0
import {
  type AllocateResponse as CompleteAllocateResponse,
  type ContainerAllocateResponse as CompleteContainerResponse,
  DevicePluginService,
  RegistrationService,
} from './v1beta1.pb.ts';

export type {
  AllocateRequest,
  Device as DeviceMessage,
  DevicePluginOptions,
  DeviceSpec,
  Empty,
  ListAndWatchResponse,
  PreferredAllocationRequest,
  PreferredAllocationResponse,
  PreStartContainerRequest,
  RegisterRequest,
} from './v1beta1.pb.ts';

/** The version that kubelet requires in a RegisterRequest (deviceplugin/v1beta1/constants.go). */
export const apiVersion = 'v1beta1';

/** Kubelet's registration socket in its device-plugins directory (deviceplugin/v1beta1/constants.go). */
export const kubeletSocketName = 'kubelet.sock';

/** The two values of `Device.health` (deviceplugin/v1beta1/constants.go). */
export const health = { healthy: 'Healthy', unhealthy: 'Unhealthy' } as const;

/**
 * The devices and settings of a container. An absent field is sent as an empty one. A decoded message has all fields.
 */
export type ContainerAllocateResponse = Partial<CompleteContainerResponse>;

export interface AllocateResponse {
  readonly container_responses: readonly ContainerAllocateResponse[];
}

/** Kubelet's service. v1beta1.test.ts compares its messages with literal bytes. */
export const registrationService = { Register: RegistrationService.register } as const;

/** The plugin's service. v1beta1.test.ts compares its messages with literal bytes. */
export const devicePluginService = {
  GetDevicePluginOptions: DevicePluginService.getDevicePluginOptions,
  ListAndWatch: DevicePluginService.listAndWatch,
  GetPreferredAllocation: DevicePluginService.getPreferredAllocation,
  Allocate: {
    ...DevicePluginService.allocate,
    responseSerialize: (response: AllocateResponse): Buffer =>
      DevicePluginService.allocate.responseSerialize(complete(response)),
    responseDeserialize: (bytes: Buffer): AllocateResponse => DevicePluginService.allocate.responseDeserialize(bytes),
  },
  PreStartContainer: DevicePluginService.preStartContainer,
} as const;

function complete({ container_responses }: AllocateResponse): CompleteAllocateResponse {
  return { container_responses: container_responses.map((response) => ({ ...emptyResponse, ...response })) };
}

const emptyResponse: CompleteContainerResponse = {
  envs: {},
  mounts: [],
  devices: [],
  annotations: {},
  cdi_devices: [],
};
