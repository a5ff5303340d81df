// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createDeviceList,
  type Device,
  type DeviceSink,
  followDevices,
  toListAndWatchResponse,
} from './device-list.ts';
import { devicePluginService } from './v1beta1.ts';

const device = (id: string, healthy = true, numaNodes: readonly number[] = []) => ({ id, healthy, numaNodes });

test('subscribers are notified of a change, and not of an equal list', () => {
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

test('a disposed subscription gets no notification, but another one of the same listener does', () => {
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

test('a device is Healthy or Unhealthy, and has a topology only if it has NUMA nodes', () => {
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

const devices = (...ids: string[]): readonly Device[] => ids.map((id) => ({ id, healthy: true, numaNodes: [] }));

/** A consumer that takes a message only when the test calls take(). */
function createSlowSink(): DeviceSink & { readonly received: string[]; take(): void } {
  const received: string[] = [];
  const pending: (() => void)[] = [];
  return {
    received,
    write: (message, written) => {
      received.push(message.devices.map(({ ID }) => ID).join());
      pending.push(written);
    },
    take: () => pending.shift()?.(),
  };
}

test('a consumer gets the current list at once, even if it is empty', () => {
  const sink = createSlowSink();
  using _ = followDevices(createDeviceList(), sink);
  assert.deepEqual(sink.received, ['']);
});

test('every consumer gets each change once', () => {
  const list = createDeviceList(devices('a'));
  const sinks = [createSlowSink(), createSlowSink()];
  const [first, second] = sinks.map((sink) => followDevices(list, sink));
  for (const sink of sinks) sink.take();
  list.set(devices('b'));
  list.set(devices('b'));
  for (const sink of sinks) assert.deepEqual(sink.received, ['a', 'b']);
  first?.[Symbol.dispose]();
  second?.[Symbol.dispose]();
});

test('a slow consumer gets only the newest of the lists that it missed', () => {
  const list = createDeviceList(devices('a'));
  const sink = createSlowSink();
  using _ = followDevices(list, sink);
  for (const id of ['b', 'c', 'd']) list.set(devices(id));
  assert.deepEqual(sink.received, ['a']);
  sink.take();
  assert.deepEqual(sink.received, ['a', 'd']);
  sink.take();
  assert.deepEqual(sink.received, ['a', 'd']);
});

test('a slow consumer gets no message if the list changes back to the one that it has', () => {
  const list = createDeviceList(devices('a'));
  const sink = createSlowSink();
  using _ = followDevices(list, sink);
  list.set(devices('b'));
  list.set(devices('a'));
  sink.take();
  assert.deepEqual(sink.received, ['a']);
});

test('a disposed consumer gets no further message, even if one was in progress', () => {
  const list = createDeviceList(devices('a'));
  const sink = createSlowSink();
  const following = followDevices(list, sink);
  list.set(devices('b'));
  following[Symbol.dispose]();
  sink.take();
  list.set(devices('c'));
  assert.deepEqual(sink.received, ['a']);
});
