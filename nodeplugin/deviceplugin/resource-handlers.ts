// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/device-id.ts';
import { joinSignals } from '../../runtime/abort-signals.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { beginStep } from '../time-step.ts';
import { type AllocatableResource, type AllocateContext, allocateContainers } from './allocate.ts';
import { type DeviceList, preferDevices } from './device-list.ts';
import type { DevicePluginHandlers } from './server.ts';

/** The time limit of a call: a hanging Allocate would block the admission of every pod on the node. */
const deadlineMs = 5_000;

export interface ResourceHandlersOptions {
  /** The resource's name without the prefix. */
  readonly name: string;
  readonly list: DeviceList;
  /** Returns the resource's newest state, or undefined if no policy or flag exposes the resource any more. */
  readonly allocatable: () => AllocatableResource | undefined;
  readonly context: AllocateContext;
  /**
   * The lock that all resources share. Its keys are the names of links: only one call at a time creates or removes a
   * given link.
   */
  readonly lock: KeyedMutex;
  /** Marks devices as held while they are being allocated, because kubelet does not list them yet. */
  readonly allocating: (ids: readonly string[]) => Disposable;
}

/** Creates the handlers of one resource, which answer from its newest state. */
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
            // The state is read once for the whole call. A plan that changes meanwhile applies to the next call.
            const state = allocatable();
            if (state === undefined) throw drained(name);
            return { container_responses: await allocateContainers(container_requests, state, context, deadline) };
          },
          deadline,
        );
      };
      // The call is awaited here, so that `_allocating` is not disposed before the call has ended.
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

/**
 * Runs a call with a deadline. If the deadline passes, it raises `DeadlineExceeded` instead of the error that the abort
 * caused.
 */
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
      `${operation} took more than ${deadlineMs / 1000} s; the kernel is slow to answer: check the node's load, and ` +
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

/**
 * Checks, before a container starts, that the tap in /dev still belongs to the device's link, and that the pod's
 * namespace may use the device. The kernel reuses the lowest free minor number. Without this check, a container whose
 * link was removed could therefore open the tap of another pod.
 *
 * Raises `DeviceNotAllocated`, `TapNodeUnusable`, and the errors of `Admission.checkStart`. The text appears in the
 * pod's events.
 */
export async function checkBeforeStart(id: string, context: AllocateContext, signal: AbortSignal): Promise<void> {
  const record = context.ledger.get(id);
  if (record === undefined) {
    throw new MacvtapError(
      'DeviceNotAllocated',
      `device ${id}: this node has no record of its allocation; delete the pod, so that a new one gets a device`,
      { facts: { device: id } },
    );
  }
  await context.admission.checkStart(id, record, signal);
  const link = await findLink(record, context, signal);
  const expected = record.attachment?.ifname ?? linkName(id);
  const tap = await context.links.readTapNode(record.ifindex);
  // A link's device number is visible only in the link's namespace, so it cannot be compared for a link in a pod. The
  // name and the index of the device node's holder are visible in every namespace.
  const isHeld = tap.holder?.name === expected && tap.holder.ifindex === record.ifindex;
  const isOwn = record.attachment === undefined ? tap.matches : isHeld;
  if (link?.kind === 'macvtap' && link.name === expected && isOwn) return;
  const where = record.attachment === undefined ? 'on the node' : `in ${record.attachment.netnsPath}`;
  throw new MacvtapError(
    'TapNodeUnusable',
    `device ${id}: ${tap.path} is not the tap of ${expected} ${where} any more (${link === undefined ? 'the link is gone' : 'the node belongs to another link'}); ` +
      `is parent ${record.parent} there? Delete the pod, so that a new one gets a device`,
    { facts: { device: id, parent: record.parent, path: tap.path } },
  );
}

function findLink({ ifindex, attachment }: DeviceRecord, { links }: AllocateContext, signal: AbortSignal) {
  return attachment === undefined
    ? links.getLink({ ifindex }, signal)
    : links.getLinkIn(attachment.netnsPath, { ifindex }, signal);
}

/** The methods whose calls are reported. GetPreferredAllocation is not reported, because it changes nothing. */
export const deviceMethods = ['Allocate', 'PreStartContainer'] as const;

/** An answered call of kubelet. */
export interface DeviceCall {
  readonly method: (typeof deviceMethods)[number];
  readonly devices: readonly string[];
  readonly durationMs: number;
  /** Absent after a success. */
  readonly error?: MacvtapError;
}

/** Wraps the handlers, so that `onCall` is called with each call, its duration and its error. */
export function observeCalls(handlers: DevicePluginHandlers, onCall: (call: DeviceCall) => void): DevicePluginHandlers {
  const observe = async <Answer>(
    method: DeviceCall['method'],
    devices: readonly string[],
    run: () => Answer | Promise<Answer>,
  ): Promise<Answer> => {
    const startMs = performance.now();
    const done = (error?: MacvtapError) =>
      onCall({ method, devices, durationMs: performance.now() - startMs, ...(error && { error }) });
    try {
      const answer = await run();
      done();
      return answer;
    } catch (thrown) {
      done(MacvtapError.from(thrown));
      throw thrown;
    }
  };
  return {
    ...handlers,
    allocate: (request, scope) =>
      observe(
        'Allocate',
        request.container_requests.flatMap(({ devices_ids }) => devices_ids),
        () => handlers.allocate(request, scope),
      ),
    preStartContainer: (request, scope) =>
      observe('PreStartContainer', request.devices_ids, () => handlers.preStartContainer(request, scope)),
  };
}
