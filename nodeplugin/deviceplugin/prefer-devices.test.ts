// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AvailableDevice, preferDevices } from './device-list.ts';

const device = (id: string, lastUsed = 0, numaNodes: readonly number[] = []): AvailableDevice => ({
  id,
  lastUsed,
  numaNodes,
});

const table: readonly {
  title: string;
  available: readonly AvailableDevice[];
  must?: readonly string[];
  size: number;
  chosen: readonly string[] | undefined;
}[] = [
  {
    title: 'the lowest numbers if the devices are otherwise equal',
    available: ['d10', 'd2', 'd1'].map((id) => device(id)),
    size: 2,
    chosen: ['d1', 'd2'],
  },
  {
    title: 'the least recently used ones',
    available: [device('d0', 9), device('d1', 3), device('d2', 5)],
    size: 2,
    chosen: ['d1', 'd2'],
  },
  {
    title: 'a device that was never used, if there is one',
    available: [device('d0', 1), device('d1')],
    size: 1,
    chosen: ['d1'],
  },
  {
    title: 'the required device, even if it was used most recently',
    available: [device('d0'), device('d1', 9), device('d2')],
    must: ['d1'],
    size: 2,
    chosen: ['d1', 'd0'],
  },
  {
    title: 'devices on a NUMA node of the required device, if all were used equally recently',
    available: [device('d0', 0, [0]), device('d1', 0, [1]), device('d2', 0, [0, 1])],
    must: ['d1'],
    size: 2,
    chosen: ['d1', 'd2'],
  },
  {
    title: 'the least recently used device before devices on the same NUMA node',
    available: [device('d0', 1, [0]), device('d1', 2, [1]), device('d2', 2, [1])],
    must: ['d1'],
    size: 2,
    chosen: ['d1', 'd0'],
  },
  { title: 'nothing for none', available: [device('d0')], size: 0, chosen: [] },
  { title: 'undefined if there are too few', available: [device('d0')], size: 2, chosen: undefined },
  {
    title: 'undefined if more devices are required than requested',
    available: [device('d0'), device('d1')],
    must: ['d0', 'd1'],
    size: 1,
    chosen: undefined,
  },
  {
    title: 'the required device only once, even if it is required twice',
    available: [device('d0'), device('d1')],
    must: ['d1', 'd1'],
    size: 1,
    chosen: ['d1'],
  },
  {
    title: 'undefined if the list has enough items only because it repeats a device',
    available: [device('d0'), device('d0')],
    must: ['d0'],
    size: 2,
    chosen: undefined,
  },
];

describe('the preferred devices are', () => {
  for (const { title, available, must = [], size, chosen } of table) {
    it(title, () => assert.deepEqual(preferDevices(available, must, size), chosen));
  }

  it('the same for any order in which kubelet lists them', () => {
    const available = [device('d3', 1), device('d1', 2), device('d2'), device('d10')];
    assert.deepEqual(preferDevices(available, [], 3), preferDevices(available.toReversed(), [], 3));
  });
});
