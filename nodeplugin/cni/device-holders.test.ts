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
  const holders = createDeviceHolders({
    get current() {
      return current;
    },
    refresh: async () => held(true, 'netMvp1'),
  });
  const { signal } = new AbortController();
  assert.equal(holders.known('netMvp0'), undefined);
  current = held(false, 'netMvp0');
  assert.deepEqual([holders.known('netMvp0'), holders.known('netMvp1')], [[pod], undefined]);
  current = held(true, 'netMvp0');
  assert.deepEqual(holders.known('netMvp1'), []);
  assert.deepEqual([await holders.ask('netMvp0', signal), await holders.ask('netMvp1', signal)], [[], [pod]]);
});
