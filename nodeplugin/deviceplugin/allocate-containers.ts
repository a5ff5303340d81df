// SPDX-License-Identifier: Apache-2.0
import { parseDeviceID } from '../../policy/device/device-id.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { type AllocatableResource, type AllocateContext, allocateDevice } from './allocate-device.ts';
import type { AllocateRequest, ContainerAllocateResponse, DeviceSpec } from './v1beta1.ts';

/**
 * Allocates all devices of a request or none: a failure takes back what this call made before it. Kubelet may ask again
 * with the same devices or others, so every step can be repeated.
 */
export async function allocateContainers(
  requests: AllocateRequest['container_requests'],
  allocatable: AllocatableResource,
  context: AllocateContext,
  signal: AbortSignal,
): Promise<readonly ContainerAllocateResponse[]> {
  const { resource } = allocatable;
  checkOffered(
    requests.flatMap(({ devices_ids }) => devices_ids),
    allocatable,
  );
  const responses: ContainerAllocateResponse[] = [];
  await using undo = new AsyncDisposableStack();
  for (const { devices_ids } of requests) {
    const paths: string[] = [];
    for (const id of devices_ids) {
      const device = await allocateDevice(id, allocatable, context, signal);
      undo.defer(device.undo);
      paths.push(device.tapPath);
    }
    responses.push({ devices: [...paths, ...(resource.needVhostNet ? ['/dev/vhost-net'] : [])].map(toSpec) });
  }
  undo.move();
  return responses;
}

function checkOffered(ids: readonly string[], { resource }: AllocatableResource): void {
  const { name, quantity } = resource;
  const isOffered = (id: string) => {
    const device = parseDeviceID(id);
    return device?.resourceName === name && device.index < quantity;
  };
  const strangers = ids.filter((id) => !isOffered(id));
  if (strangers.length === 0) return;
  throw new MacvtapError(
    'UnknownDevice',
    `device ${strangers.join(', ')}: resource ${name} offers ${name}Mvp0 to ${name}Mvp${quantity - 1}; ` +
      'delete the pod, so that kubelet picks a device anew',
    { facts: { resource: name, quantity } },
  );
}

function toSpec(path: string): DeviceSpec {
  return { container_path: path, host_path: path, permissions: 'rw' };
}
