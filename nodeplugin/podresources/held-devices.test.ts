// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { createHeldView, type HeldDevices, mayBeHeld, namesPod, readHeldDevices } from './held-devices.ts';

const held: HeldDevices = {
  devices: new Map([['dataMvp0', { resource: 'data', pods: [] }]]),
  complete: true,
  askedAtMs: 10_000,
};

const cases = [
  { title: 'a device that kubelet lists is held', held, id: 'dataMvp0', expected: true },
  { title: 'a device that a complete answer lacks is free', held, id: 'dataMvp1', expected: false },
  { title: 'before the first answer everything may be held', held: undefined, id: 'dataMvp1', expected: true },
  { title: 'an incomplete answer frees nothing', held: { ...held, complete: false }, id: 'dataMvp1', expected: true },
  { title: 'an answer older than the Allocate frees nothing', held, id: 'dataMvp1', at: 10_001, expected: true },
  {
    title: 'an answer requested just after the Allocate frees nothing',
    held,
    id: 'dataMvp1',
    at: 9_900,
    expected: true,
  },
  { title: 'an answer requested later frees the device', held, id: 'dataMvp1', at: 8_000, expected: false },
] as const;

for (const { title, expected, id, ...given } of cases) {
  test(title, () => {
    assert.equal(mayBeHeld(given.held, id, 'at' in given ? given.at : undefined), expected);
  });
}

const prefix = 'macvtap.network.kubevirt.io/';

function pod(name: string, container: string, ...devices: readonly (readonly [string, ...string[]])[]) {
  return {
    name,
    namespace: 'vms',
    containers: [
      { name: container, devices: devices.map(([resource_name, ...device_ids]) => ({ resource_name, device_ids })) },
    ],
  };
}

test('devices are read by ID, with their resource and their holders', () => {
  const response = {
    pod_resources: [
      pod('a', 'compute', [`${prefix}data`, 'dataMvp0', 'dataMvp1'], [`${prefix}bond1`, 'bond1Mvp7']),
      pod('b', 'compute'),
    ],
  };
  const pods = [{ namespace: 'vms', name: 'a', container: 'compute' }];
  assert.deepEqual(Object.fromEntries(readHeldDevices(response, prefix)), {
    dataMvp0: { resource: 'data', pods },
    dataMvp1: { resource: 'data', pods },
    bond1Mvp7: { resource: 'bond1', pods },
  });
});

test("other vendors' devices are left out, even with the same ID", () => {
  const response = { pod_resources: [pod('a', 'c', ['example.com/data', 'dataMvp0'], ['macvtap.network', 'x'])] };
  assert.equal(readHeldDevices(response, prefix).size, 0);
});

test('a device that is repeated for each of its NUMA nodes has one holder', () => {
  const response = { pod_resources: [pod('a', 'c', [`${prefix}data`, 'dataMvp0'], [`${prefix}data`, 'dataMvp0'])] };
  assert.deepEqual(readHeldDevices(response, prefix).get('dataMvp0')?.pods, [
    { namespace: 'vms', name: 'a', container: 'c' },
  ]);
});

test('a device that a pod and its successor hold has both as holders', () => {
  const device = [`${prefix}data`, 'dataMvp0'] as const;
  const response = { pod_resources: [pod('old', 'c', device), pod('new', 'c', device)] };
  assert.deepEqual(
    readHeldDevices(response, prefix)
      .get('dataMvp0')
      ?.pods.map(({ name }) => name),
    ['old', 'new'],
  );
});

test('a pod without devices is also found, but only in its own namespace', () => {
  const response = { pod_resources: [{ name: 'plugin', namespace: 'macvtap-cni', containers: [] }] };
  assert.ok(namesPod(response, { namespace: 'macvtap-cni', name: 'plugin' }));
  assert.ok(!namesPod(response, { namespace: 'default', name: 'plugin' }));
});

const away = new MacvtapError('PodResourcesSocketMissing', 'away');
const refused = new MacvtapError('PodResourcesUnavailable', 'refused');

function heldDevices(ids: readonly string[], more: Partial<HeldDevices> = {}): HeldDevices {
  const devices = new Map(ids.map((id) => [id, { resource: 'data', pods: [] }]));
  return { devices, complete: true, askedAtMs: 0, ...more };
}

test('nothing is known before the first successful answer, and a failure keeps the last answer', () => {
  const view = createHeldView();
  assert.deepEqual(view.state, { phase: 'unknown', ageMs: undefined, lastError: undefined });
  view.set(away);
  assert.deepEqual([view.state.phase, view.state.lastError, view.current], ['unknown', away, undefined]);
  const answer = heldDevices(['a']);
  view.set(answer);
  assert.deepEqual([view.state.phase, view.state.lastError], ['known', undefined]);
  view.set(away);
  assert.deepEqual([view.state.phase, view.state.lastError, view.current], ['stale', away, answer]);
  assert.ok(view.state.ageMs !== undefined && view.state.ageMs >= 0);
  view.set(heldDevices(['a'], { complete: false }));
  assert.equal(view.state.phase, 'partial');
});

test('listeners are called after a change, but not after an equal answer', () => {
  const view = createHeldView();
  let told = 0;
  const subscription = view.onChange(() => {
    told += 1;
  });
  const steps: readonly (readonly [HeldDevices | MacvtapError, boolean])[] = [
    [away, true],
    [away, false],
    [refused, true],
    [heldDevices([]), true],
    [heldDevices([], { askedAtMs: 5 }), false],
    [heldDevices(['a']), true],
    [heldDevices(['a'], { complete: false }), true],
    [away, true],
    [heldDevices(['a']), true],
  ];
  for (const [news, isNew] of steps) {
    const before = told;
    view.set(news);
    assert.equal(told - before, isNew ? 1 : 0);
  }
  subscription[Symbol.dispose]();
  view.set(away);
  assert.equal(told, steps.filter(([, isNew]) => isNew).length);
});
