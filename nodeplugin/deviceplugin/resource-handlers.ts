// SPDX-License-Identifier: Apache-2.0
import { preferDevices } from '../../policy/device/preferred-allocation.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { ServedResource } from '../reconcile/decide-served.ts';
import { allocateContainers } from './allocate-containers.ts';
import type { AllocateContext } from './allocate-device.ts';
import type { DeviceList } from './device-list.ts';
import type { DevicePluginHandlers } from './server.ts';

/** An Allocate that hangs blocks the admission of every pod on the node, so it ends by itself. */
const allocateDeadlineMs = 5_000;

/** What kubelet asks of one resource, answered from its newest state. */
export function createResourceHandlers(
  list: DeviceList,
  served: () => ServedResource,
  context: AllocateContext,
): DevicePluginHandlers {
  const lastUsed = new Map<string, number>();
  let uses = 0;
  return {
    options: { pre_start_required: false, get_preferred_allocation_available: true },
    list,
    async allocate({ container_requests }, { signal }) {
      // One state for the whole call: a plan that changes meanwhile counts for the next one.
      const state = served();
      const deadline = AbortSignal.timeout(allocateDeadlineMs);
      const container_responses = await allocateContainers(
        container_requests,
        state,
        context,
        AbortSignal.any([signal, deadline]),
      ).catch((thrown: unknown) => {
        throw deadline.aborted ? tookTooLong(state, thrown) : thrown;
      });
      uses += 1;
      for (const id of container_requests.flatMap(({ devices_ids }) => devices_ids)) lastUsed.set(id, uses);
      return { container_responses };
    },
    preferredAllocation({ container_requests }) {
      const numaNodes = new Map(list.current.map((device) => [device.id, device.numaNodes]));
      const container_responses = container_requests.map((request) => {
        const available = request.available_deviceIDs.map((id) => ({
          id,
          lastUsed: lastUsed.get(id) ?? 0,
          numaNodes: numaNodes.get(id) ?? [],
        }));
        return { deviceIDs: preferDevices(available, request.must_include_deviceIDs, request.allocation_size) ?? [] };
      });
      return { container_responses };
    },
    preStartContainer() {},
  };
}

function tookTooLong({ resource: { name, parent } }: ServedResource, cause: unknown): MacvtapError {
  return new MacvtapError(
    'DeadlineExceeded',
    `Allocate of ${name} on ${parent} took more than ${allocateDeadlineMs / 1000} s; the kernel is slow to answer: see ` +
      "the node's load, and delete the pod to try again",
    { facts: { resource: name, parent }, cause },
  );
}
