// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HeldDevices, mayBeHeld } from './held-devices.ts';

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
  { title: 'nor does one that was asked for just after it', held, id: 'dataMvp1', at: 9_900, expected: true },
  { title: 'one that was asked for later does', held, id: 'dataMvp1', at: 8_000, expected: false },
] as const;

for (const { title, expected, id, ...given } of cases) {
  test(title, () => {
    assert.equal(mayBeHeld(given.held, id, 'at' in given ? given.at : undefined), expected);
  });
}
