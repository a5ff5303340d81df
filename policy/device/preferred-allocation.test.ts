// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AvailableDevice, preferDevices } from './preferred-allocation.ts';

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
    title: 'by number where nothing else tells',
    available: ['d10', 'd2', 'd1'].map((id) => device(id)),
    size: 2,
    chosen: ['d1', 'd2'],
  },
  {
    title: 'the least recently used first',
    available: [device('d0', 9), device('d1', 3), device('d2', 5)],
    size: 2,
    chosen: ['d1', 'd2'],
  },
  { title: 'one never used before all', available: [device('d0', 1), device('d1')], size: 1, chosen: ['d1'] },
  {
    title: 'what must be included, whatever its use',
    available: [device('d0'), device('d1', 9), device('d2')],
    must: ['d1'],
    size: 2,
    chosen: ['d1', 'd0'],
  },
  {
    title: 'of equal use those on a node of what must be included',
    available: [device('d0', 0, [0]), device('d1', 0, [1]), device('d2', 0, [0, 1])],
    must: ['d1'],
    size: 2,
    chosen: ['d1', 'd2'],
  },
  {
    title: 'the least recently used before those that are near',
    available: [device('d0', 1, [0]), device('d1', 2, [1]), device('d2', 2, [1])],
    must: ['d1'],
    size: 2,
    chosen: ['d1', 'd0'],
  },
  { title: 'nothing for none', available: [device('d0')], size: 0, chosen: [] },
  { title: 'undefined for too few', available: [device('d0')], size: 2, chosen: undefined },
  {
    title: 'undefined where more must be included than fit',
    available: [device('d0'), device('d1')],
    must: ['d0', 'd1'],
    size: 1,
    chosen: undefined,
  },
  {
    title: 'what must be included once, however often it is named',
    available: [device('d0'), device('d1')],
    must: ['d1', 'd1'],
    size: 1,
    chosen: ['d1'],
  },
  {
    title: 'undefined where a device that is twice in the list is needed twice',
    available: [device('d0'), device('d0')],
    must: ['d0'],
    size: 2,
    chosen: undefined,
  },
];

describe('the devices preferred are', () => {
  for (const { title, available, must = [], size, chosen } of table) {
    it(title, () => assert.deepEqual(preferDevices(available, must, size), chosen));
  }

  it('the same in whatever order kubelet lists them', () => {
    const available = [device('d3', 1), device('d1', 2), device('d2'), device('d10')];
    assert.deepEqual(preferDevices(available, [], 3), preferDevices(available.toReversed(), [], 3));
  });
});
