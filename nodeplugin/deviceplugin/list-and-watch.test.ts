// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDeviceList, type Device } from './device-list.ts';
import { type DeviceSink, followDevices } from './list-and-watch.ts';

const devices = (...ids: string[]): readonly Device[] => ids.map((id) => ({ id, healthy: true, numaNodes: [] }));

/** A consumer that takes a message when it is told to. */
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

test('a consumer gets the current list at once, also an empty one', () => {
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

test('a slow consumer gets nothing when the list is again what it has', () => {
  const list = createDeviceList(devices('a'));
  const sink = createSlowSink();
  using _ = followDevices(list, sink);
  list.set(devices('b'));
  list.set(devices('a'));
  sink.take();
  assert.deepEqual(sink.received, ['a']);
});

test('a consumer that left gets nothing more, also when a message of it was on its way', () => {
  const list = createDeviceList(devices('a'));
  const sink = createSlowSink();
  const following = followDevices(list, sink);
  list.set(devices('b'));
  following[Symbol.dispose]();
  sink.take();
  list.set(devices('c'));
  assert.deepEqual(sink.received, ['a']);
});
