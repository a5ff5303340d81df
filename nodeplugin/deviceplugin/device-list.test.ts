// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDeviceList, toListAndWatchResponse } from './device-list.ts';
import { devicePluginService } from './v1beta1.ts';

const device = (id: string, healthy = true, numaNodes: readonly number[] = []) => ({ id, healthy, numaNodes });

test('subscribers are told of a change, and not of an equal list', () => {
  const list = createDeviceList([device('a')]);
  let told = 0;
  using _ = list.subscribe(() => {
    told += 1;
  });
  assert.equal(list.set([device('a')]), false);
  assert.equal(told, 0);
  assert.equal(list.set([device('a', false)]), true);
  assert.equal(told, 1);
  assert.deepEqual(list.current, [device('a', false)]);
});

test('a subscription that was disposed hears nothing, its twin still does', () => {
  const list = createDeviceList();
  let told = 0;
  const listener = (): void => {
    told += 1;
  };
  const first = list.subscribe(listener);
  using _ = list.subscribe(listener);
  first[Symbol.dispose]();
  list.set([device('a')]);
  assert.equal(told, 1);
});

test('a device reads Healthy or Unhealthy, with a NUMA hint only where it has one', () => {
  assert.deepEqual(toListAndWatchResponse([device('a', true, [0, 1]), device('b', false)]), {
    devices: [
      { ID: 'a', health: 'Healthy', topology: { nodes: [{ ID: 0 }, { ID: 1 }] } },
      { ID: 'b', health: 'Unhealthy', topology: null },
    ],
  });
});

test('the message for 1,000 devices with the longest IDs on two NUMA nodes stays under 100 KB', () => {
  const devices = Array.from({ length: 1_000 }, (_, index) => device(`${index}`.padStart(63, 'x'), false, [0, 1]));
  const bytes = devicePluginService.ListAndWatch.responseSerialize(toListAndWatchResponse(devices));
  assert.ok(bytes.length < 100_000, `${bytes.length} bytes`);
});
