// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HeldDevices } from '../podresources/held-devices.ts';
import { createDeviceHolders } from './device-holders.ts';

const pod = { namespace: 'vms', name: 'a', container: 'compute' };
const held = (complete: boolean, ...ids: readonly string[]): HeldDevices => ({
  devices: new Map(ids.map((id) => [id, { resource: 'net', pods: [pod] }])),
  complete,
  askedAtMs: 0,
});

test('who is listed holds the device; nobody does once kubelet knows all its pods, and until then it is unknown', async () => {
  let current: HeldDevices | undefined;
  const watch = {
    get current() {
      return current;
    },
    refresh: async () => held(true, 'netMvp1'),
  };
  const holders = createDeviceHolders(watch, { wasGivenOutSince: () => false });
  const { signal } = new AbortController();
  assert.equal(holders.known('netMvp0'), undefined);
  current = held(false, 'netMvp0');
  assert.deepEqual([holders.known('netMvp0'), holders.known('netMvp1')], [[pod], undefined]);
  current = held(true, 'netMvp0');
  assert.deepEqual(holders.known('netMvp1'), []);
  assert.deepEqual([await holders.ask('netMvp0', signal), await holders.ask('netMvp1', signal)], [[], [pod]]);
});

test('what kubelet said before a device was given out is no news of it', async () => {
  const watch = { current: { ...held(true, 'netMvp0'), askedAtMs: 7 }, refresh: async () => held(true, 'netMvp0') };
  const givenOut: unknown[] = [];
  const holders = createDeviceHolders(watch, {
    wasGivenOutSince(id, atMs) {
      givenOut.push([id, atMs]);
      return true;
    },
  });
  assert.deepEqual([holders.known('netMvp0'), holders.known('netMvp1')], [undefined, undefined]);
  assert.deepEqual(givenOut, [
    ['netMvp0', 7],
    ['netMvp1', 7],
  ]);
  assert.deepEqual(await holders.ask('netMvp0', new AbortController().signal), [pod]);
});
