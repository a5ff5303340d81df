// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import { preferDevices } from '../../policy/device/preferred-allocation.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { joinSignals } from '../../runtime/join-signals.ts';
import type { KeyedLock } from '../../runtime/keyed-lock.ts';
import { beginStep } from '../time-step.ts';
import { allocateContainers } from './allocate-containers.ts';
import type { AllocatableResource, AllocateContext } from './allocate-device.ts';
import { checkBeforeStart } from './check-before-start.ts';
import type { DeviceList } from './device-list.ts';
import type { DevicePluginHandlers } from './server.ts';

/** An Allocate that hangs blocks the admission of every pod on the node, so it ends by itself. */
const deadlineMs = 5_000;

export interface ResourceHandlersOptions {
  /** Without the prefix. */
  readonly name: string;
  readonly list: DeviceList;
  /** The resource's newest state; undefined when nothing asks for it any more. */
  readonly allocatable: () => AllocatableResource | undefined;
  readonly context: AllocateContext;
  /** One for all resources, its keys the names of links: whoever makes or removes one takes turns. */
  readonly lock: KeyedLock;
  /** Counts devices as held from the beginning of the call on, whatever kubelet says of them meanwhile. */
  readonly allocating: (ids: readonly string[]) => Disposable;
}

/** What kubelet asks of one resource, answered from its newest state. */
export function createResourceHandlers(options: ResourceHandlersOptions): DevicePluginHandlers {
  const { name, list, allocatable, context, lock, allocating } = options;
  return {
    options: { pre_start_required: true, get_preferred_allocation_available: true },
    list,
    async allocate({ container_requests }, { signal }) {
      const ids = container_requests.flatMap(({ devices_ids }) => devices_ids);
      using _allocating = allocating(ids);
      const run = async (deadline: AbortSignal) => {
        using waited = beginStep('wait', context);
        return await lock.run(
          ids.map(linkName),
          async () => {
            waited.end();
            // One state for the whole call: a plan that changes meanwhile counts for the next one.
            const state = allocatable();
            if (state === undefined) throw drained(name);
            return { container_responses: await allocateContainers(container_requests, state, context, deadline) };
          },
          deadline,
        );
      };
      // Awaited here: devices count as being given out until the call has ended.
      return await withDeadline(`Allocate of ${name}`, signal, run);
    },
    preferredAllocation({ container_requests }) {
      const numaNodes = new Map(list.current.map((device) => [device.id, device.numaNodes]));
      const container_responses = container_requests.map((request) => {
        const available = request.available_deviceIDs.map((id) => ({
          id,
          lastUsed: context.ledger.get(id)?.lastUsed ?? 0,
          numaNodes: numaNodes.get(id) ?? [],
        }));
        return { deviceIDs: preferDevices(available, request.must_include_deviceIDs, request.allocation_size) ?? [] };
      });
      return { container_responses };
    },
    preStartContainer({ devices_ids }, { signal }) {
      return withDeadline(`PreStartContainer of ${name}`, signal, async (deadline) => {
        for (const id of devices_ids) await checkBeforeStart(id, context, deadline);
      });
    },
  };
}

/** The scope of the call, with an end of its own; a deadline that passed is told as such, whatever it broke. */
async function withDeadline<Value>(
  operation: string,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  using scope = joinSignals([signal], deadlineMs);
  try {
    return await run(scope.signal);
  } catch (thrown) {
    if (!scope.isTimedOut) throw thrown;
    throw new MacvtapError(
      'DeadlineExceeded',
      `${operation} took more than ${deadlineMs / 1000} s; the kernel is slow to answer: see the node's load, and ` +
        'delete the pod to try again',
      { cause: thrown },
    );
  }
}

function drained(name: string): MacvtapError {
  return new MacvtapError(
    'ParentUnavailable',
    `resource ${name} is no longer offered on this node and stays only for the pods that hold its devices; see the ` +
      'policies, or let the pod run elsewhere',
    { facts: { resource: name } },
  );
}
