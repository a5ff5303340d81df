// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { HeldDevices } from '../podresources/held-devices.ts';
import { createHeldTracker } from './held-tracker.ts';

const record: DeviceRecord = {
  resource: 'net',
  parent: 'eth1',
  parentIfindex: 7,
  mode: 'bridge',
  ifindex: 1_100_000_000,
  attempt: 0,
  lastUsed: 1,
};
const netMvp0 = { id: 'netMvp0', resource: 'net', parent: 'eth1', mode: 'bridge', parentIfindex: 7 };

function track(given: readonly string[], view: HeldDevices | undefined, clock = { nowMs: 0 }) {
  const records = new Map(given.map((id) => [id, record]));
  const ledger = { get: (id: string) => records.get(id), entries: () => [...records] };
  return createHeldTracker({ ledger, view: () => view, now: () => clock.nowMs });
}

function listed(ids: readonly string[], more: Partial<HeldDevices> = {}): HeldDevices {
  const devices = new Map(ids.map((id) => [id, { resource: id.replace(/Mvp\d+$/, ''), pods: [] }]));
  return { devices, complete: true, askedAtMs: 100_000, ...more };
}

test('`has` finds exactly the devices that are current', () => {
  const ids = ['netMvp0', 'netMvp1', 'netMvp2', 'netMvp3'];
  for (const view of [undefined, listed(['netMvp0', 'netMvp3']), listed(['netMvp3'], { complete: false })]) {
    const tracker = track(['netMvp0', 'netMvp1'], view, { nowMs: 200_000 });
    for (const allocating of [[], ['netMvp1', 'netMvp2']]) {
      using _allocating = tracker.allocating(allocating);
      const current = new Set(tracker.current().map(({ id }) => id));
      assert.deepEqual(
        ids.filter(tracker.has),
        ids.filter((id) => current.has(id)),
      );
    }
  }
});

test('until kubelet has listed the devices of pods, every allocated device may be held', () => {
  assert.deepEqual(track(['netMvp0'], undefined).current(), [netMvp0]);
  assert.deepEqual(track(['netMvp0'], listed([], { complete: false })).current(), [netMvp0]);
});

test('a device is held if kubelet lists it, and free if not', () => {
  assert.deepEqual(track(['netMvp0', 'netMvp1'], listed(['netMvp0'])).current(), [netMvp0]);
});

test("a device whose sandbox is gone has only its parent's name, but no index", () => {
  const attachment = { containerID: 'c', ifname: 'net1', mac: '02:00:00:00:00:01', netnsPath: '/proc/self/ns/net' };
  for (const { netnsInode, expected } of [
    { netnsInode: statSync('/proc/self/ns/net').ino, expected: netMvp0 },
    { netnsInode: 1, expected: { id: 'netMvp0', resource: 'net', parent: 'eth1', mode: 'bridge' } },
  ]) {
    const attached = { ...record, attachment: { ...attachment, netnsInode } };
    const ledger = { get: () => attached, entries: () => [['netMvp0', attached]] as const };
    const tracker = createHeldTracker({ ledger, view: () => listed(['netMvp0']), now: () => 0 });
    assert.deepEqual(tracker.current(), [expected]);
  }
});

test('the ID of a device that the ledger lost contains its resource', () => {
  assert.deepEqual(track([], listed(['my.net-2Mvp17'])).current(), [{ id: 'my.net-2Mvp17', resource: 'my.net-2' }]);
});

test('a device is held while it is being allocated, and until kubelet has had time to list it', () => {
  const clock = { nowMs: 200_000 };
  const view = listed([]);
  const tracker = track(['netMvp0'], view, clock);
  assert.deepEqual(tracker.current(), []);
  const one = tracker.allocating(['netMvp0']);
  const other = tracker.allocating(['netMvp0']);
  assert.deepEqual(tracker.current(), [netMvp0]);
  one[Symbol.dispose]();
  other[Symbol.dispose]();
  assert.ok(tracker.mayBeHeld('netMvp0'), 'kubelet was asked before it was answered');
  assert.ok(!track(['netMvp0'], listed([], { askedAtMs: 900_000 }), clock).mayBeHeld('netMvp0'));
});

test('a device was allocated since a time if its Allocate ended at that time or later, or is in progress', () => {
  const clock = { nowMs: 100 };
  const tracker = track(['netMvp0'], listed([]), clock);
  assert.ok(!tracker.wasGivenOutSince('netMvp0', 0));
  const allocating = tracker.allocating(['netMvp0']);
  assert.ok(tracker.wasGivenOutSince('netMvp0', 200));
  allocating[Symbol.dispose]();
  const since = [99, 100, 101].map((atMs) => tracker.wasGivenOutSince('netMvp0', atMs));
  assert.deepEqual(since, [true, true, false]);
  assert.ok(!tracker.wasGivenOutSince('netMvp1', 0));
});

test('a device was listed if a complete answer after its last Allocate lists it, and this does not change again', () => {
  const clock = { nowMs: 100 };
  const tracker = track(['netMvp0'], undefined, clock);
  const answer = (ids: readonly string[], askedAtMs: number, complete = true) =>
    tracker.note(listed(ids, { askedAtMs, complete }));
  answer(['netMvp0'], 50, false);
  assert.ok(!tracker.wasListed('netMvp0'), 'the answer may repeat an older one');
  answer(['netMvp0', 'otherMvp0'], 50);
  answer(['otherMvp0'], 60);
  assert.deepEqual([tracker.wasListed('netMvp0'), tracker.wasListed('netMvp1')], [true, false]);
  const allocating = tracker.allocating(['netMvp0']);
  answer(['netMvp0'], 200);
  allocating[Symbol.dispose]();
  answer(['netMvp0'], 99);
  assert.ok(!tracker.wasListed('netMvp0'), 'the answer may list the device for its previous pod');
  answer(['netMvp0'], 101);
  assert.ok(tracker.wasListed('netMvp0'));
  answer([], 300);
  assert.deepEqual([tracker.wasListed('netMvp0'), tracker.wasListed('otherMvp0')], [true, false]);
});

test('a device without a holder counts as released while it may have a link', () => {
  const netMvp1 = { ...netMvp0, id: 'netMvp1' };
  assert.deepEqual(track(['netMvp0', 'netMvp1'], listed(['netMvp0'])).releasedDevices(), [netMvp1]);
  assert.deepEqual(track(['netMvp0'], undefined).releasedDevices(), [], 'the device may be held');
  const { parentIfindex, ...detached } = record;
  const ledger = { get: () => detached, entries: () => [['netMvp0', detached]] as const };
  assert.deepEqual(createHeldTracker({ ledger, view: () => listed([]), now: () => 0 }).releasedDevices(), []);
});
