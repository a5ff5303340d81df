// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { linkName } from '../../policy/device/device-id.ts';
import { readInterface } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { admitAll } from '../../test/fixtures/admission/admit-all.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { AllocateContext } from './allocate.ts';
import { createDeviceList } from './device-list.ts';
import type { DeviceLinks } from './placeholder-link.ts';
import { createResourceHandlers, type DeviceCall, observeCalls } from './resource-handlers.ts';

const resource: PlannedResource = {
  source: 'implicit',
  name: 'eth1',
  parent: 'eth1',
  mode: 'bridge',
  quantity: 4,
  numaNodes: [],
  needVhostNet: false,
};

function handlers(links: Partial<DeviceLinks> = {}, more: { readonly isDraining?: boolean } = {}) {
  const seen = new Set<number>();
  const held = new Set<string>();
  const records = new Map<string, DeviceRecord>();
  const steps: string[] = [];
  const lock = createKeyedMutex();
  let uses = 0;
  const list = createDeviceList([0, 1, 2, 3].map((index) => ({ id: `eth1Mvp${index}`, healthy: true, numaNodes: [] })));
  const context: AllocateContext = {
    nodeName: 'n',
    admission: admitAll,
    findInterface: (name) => readInterface({ name, ifindex: 3 }),
    links: {
      getLink: async () => undefined,
      createMacvtap: async () => {},
      deleteLink: async () => {},
      getLinkIn: async () => undefined,
      deleteLinkIn: async () => {},
      // Before the link is created, the device node does not exist. Afterwards it belongs to the link.
      readTapNode: async (ifindex) => {
        const isSecondLook = seen.has(ifindex);
        seen.add(ifindex);
        return { path: `/dev/tap${ifindex}`, matches: isSecondLook, ...(isSecondLook && { nodeDevice: '246:1' }) };
      },
      ...links,
    },
    ledger: {
      get: (id) => records.get(id),
      record: async (id, entry) => {
        uses += 1;
        records.set(id, { ...entry, lastUsed: uses });
      },
      findByIfindex: (ifindex) => [...records].filter(([, one]) => one.ifindex === ifindex).map(([id]) => id),
      forget: async (id) => void records.delete(id),
    },
    onStep: (step, outcome) => void steps.push(`${step} ${outcome}`),
  };
  const plugin = createResourceHandlers({
    name: 'eth1',
    list,
    allocatable: () => (more.isDraining ? undefined : { resource }),
    context,
    lock,
    allocating: (ids) => {
      for (const id of ids) held.add(id);
      return { [Symbol.dispose]: () => held.clear() };
    },
  });
  return { plugin, held, records, steps, lock };
}

const scope = { signal: new AbortController().signal };

function prefer(
  from: ReturnType<typeof handlers>['plugin'],
  available: readonly string[],
  size: number,
  include: string[] = [],
) {
  const request = { available_deviceIDs: available, must_include_deviceIDs: include, allocation_size: size };
  const answer = from.preferredAllocation({ container_requests: [request] });
  assert.ok(!(answer instanceof Promise));
  return answer.container_responses[0]?.deviceIDs;
}

const all = ['eth1Mvp3', 'eth1Mvp1', 'eth1Mvp0', 'eth1Mvp2'];

test('devices that were never allocated are preferred by number, then the least recently used', async () => {
  const { plugin } = handlers();
  assert.deepEqual(prefer(plugin, all, 2), ['eth1Mvp0', 'eth1Mvp1']);
  for (const id of ['eth1Mvp1', 'eth1Mvp0']) {
    await plugin.allocate({ container_requests: [{ devices_ids: [id] }] }, scope);
  }
  assert.deepEqual(prefer(plugin, all, 4), ['eth1Mvp2', 'eth1Mvp3', 'eth1Mvp1', 'eth1Mvp0']);
});

test('required devices are included, and an impossible request gets an empty answer', () => {
  assert.deepEqual(prefer(handlers().plugin, all, 2, ['eth1Mvp3']), ['eth1Mvp3', 'eth1Mvp0']);
  assert.deepEqual(prefer(handlers().plugin, all, 5), []);
});

test('the responses for several containers are in the order of the requests', async () => {
  const request = {
    container_requests: [{ devices_ids: ['eth1Mvp0'] }, { devices_ids: [] }, { devices_ids: ['eth1Mvp1', 'eth1Mvp2'] }],
  };
  const { container_responses } = await handlers().plugin.allocate(request, scope);
  assert.deepEqual(
    container_responses.map(({ devices }) => devices?.length),
    [1, 0, 2],
  );
});

test('an Allocate without a response from the kernel ends by its deadline, and the error reports it', async (t) => {
  const fired = Promise.withResolvers<void>();
  t.mock.method(AbortSignal, 'timeout', () => {
    const controller = new AbortController();
    void fired.promise.then(() => controller.abort(new DOMException('timed out', 'TimeoutError')));
    return controller.signal;
  });
  const { plugin } = handlers({
    async createMacvtap(_link, signal) {
      assert.ok(signal !== undefined);
      if (!signal.aborted) await once(signal, 'abort');
      throw new MacvtapError('Aborted', 'given up', { cause: signal.reason });
    },
  });
  const answer = plugin.allocate({ container_requests: [{ devices_ids: ['eth1Mvp0'] }] }, scope);
  fired.resolve();
  await assert.rejects(Promise.resolve(answer), { code: 'DeadlineExceeded', message: /eth1/ });
});

test('devices count as held from the beginning of the call to its end', async () => {
  const heldAtCreation: string[] = [];
  const { plugin, held } = handlers({ createMacvtap: async () => void heldAtCreation.push(...held) });
  const answer = plugin.allocate({ container_requests: [{ devices_ids: ['eth1Mvp0'] }] }, scope);
  assert.deepEqual([...held], ['eth1Mvp0']);
  await answer;
  assert.deepEqual(heldAtCreation, ['eth1Mvp0']);
  assert.deepEqual([...held], []);
});

test('each step is reported with its result: for a created device, a failed one, and one whose wait was aborted', async () => {
  const request = { container_requests: [{ devices_ids: ['eth1Mvp0'] }] };
  const good = handlers();
  await good.plugin.allocate(request, scope);
  // The steps make and record overlap.
  assert.deepEqual(good.steps.toSorted(), ['make succeeded', 'record succeeded', 'wait succeeded']);

  const bad = handlers({ createMacvtap: () => Promise.reject(new MacvtapError('ParentEnslaved', 'enslaved')) });
  await assert.rejects(Promise.resolve(bad.plugin.allocate(request, scope)), { code: 'ParentEnslaved' });
  assert.deepEqual(bad.steps.toSorted(), ['make failed', 'record succeeded', 'wait succeeded']);

  const late = handlers();
  const gate = Promise.withResolvers<void>();
  const holding = late.lock.run([linkName('eth1Mvp0')], () => gate.promise);
  const caller = new AbortController();
  const answer = late.plugin.allocate(request, { signal: caller.signal });
  caller.abort(new MacvtapError('Aborted', 'kubelet gave up'));
  await assert.rejects(Promise.resolve(answer));
  assert.deepEqual(late.steps, ['wait failed']);
  gate.resolve();
  await holding;
});

test('a draining resource allocates nothing, and the error contains the reason', async () => {
  const { plugin } = handlers({}, { isDraining: true });
  const answer = plugin.allocate({ container_requests: [{ devices_ids: ['eth1Mvp0'] }] }, scope);
  await assert.rejects(Promise.resolve(answer), { code: 'ParentUnavailable', message: /eth1 is no longer offered/ });
});

test('a container starts only if its devices were allocated and have their own taps', async () => {
  const standing = { name: linkName('eth1Mvp0'), ifindex: 5, kind: 'macvtap', up: false };
  const { plugin } = handlers({ getLink: async (key) => ('ifindex' in key && made ? standing : undefined) });
  let made = false;
  const start = () => Promise.resolve(plugin.preStartContainer({ devices_ids: ['eth1Mvp0'] }, scope));
  await assert.rejects(start(), { code: 'DeviceNotAllocated', message: /eth1Mvp0/ });
  await plugin.allocate({ container_requests: [{ devices_ids: ['eth1Mvp0'] }] }, scope);
  await assert.rejects(start(), { code: 'TapNodeUnusable', message: /the link is gone/ });
  made = true;
  await start();
});

const request = { container_requests: [{ devices_ids: ['a', 'b'] }, { devices_ids: ['c'] }] };

function observed(error?: Error) {
  const calls: DeviceCall[] = [];
  const answer = <Value>(value: Value): Value => {
    if (error !== undefined) throw error;
    return value;
  };
  const handlers = observeCalls(
    {
      options: { pre_start_required: true, get_preferred_allocation_available: true },
      list: createDeviceList(),
      allocate: () => answer({ container_responses: [] }),
      preferredAllocation: () => ({ container_responses: [] }),
      preStartContainer: async () => answer(undefined),
    },
    (call) => calls.push(call),
  );
  return { calls, handlers };
}

test('successful calls are reported with their devices and duration, and their responses do not change', async () => {
  const { calls, handlers } = observed();
  assert.deepEqual(await handlers.allocate(request, scope), { container_responses: [] });
  await handlers.preStartContainer({ devices_ids: ['a'] }, scope);
  assert.deepEqual(
    calls.map(({ method, devices, error }) => [method, devices.join(), error]),
    [
      ['Allocate', 'a,b,c', undefined],
      ['PreStartContainer', 'a', undefined],
    ],
  );
  assert.ok(calls.every(({ durationMs }) => durationMs >= 0));
});

test('failed calls are reported with their error, which the caller also gets', async () => {
  const error = new MacvtapError('ParentGone', 'gone');
  const { calls, handlers } = observed(error);
  await assert.rejects(async () => handlers.allocate(request, scope), error);
  await assert.rejects(async () => handlers.preStartContainer({ devices_ids: [] }, scope), error);
  assert.deepEqual(
    calls.map((call) => call.error?.code),
    ['ParentGone', 'ParentGone'],
  );
});
