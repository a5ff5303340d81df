// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deviceIfindex } from './ifindex.ts';
import { xxhash64 } from './xxhash64.ts';

describe('the index of a link', () => {
  it('is a positive 32-bit integer with the highest bit of our range set', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(5), (node, device, attempt) => {
        const ifindex = deviceIfindex(node, device, attempt);
        assert.ok(Number.isInteger(ifindex) && ifindex >= 0x4000_0000 && ifindex <= 0x7fff_ffff);
      }),
    );
  });

  it('is the low 30 bits of the hash of node and device', () => {
    assert.equal(deviceIfindex('h1', 'dataMvp0') - 0x4000_0000, Number(xxhash64('h1/dataMvp0') & 0x3fff_ffffn));
    assert.equal(deviceIfindex('h1', 'dataMvp0', 2) - 0x4000_0000, Number(xxhash64('h1/dataMvp0#2') & 0x3fff_ffffn));
  });

  it('differs by node, device and attempt', () => {
    const all = [
      deviceIfindex('h1', 'dMvp0'),
      deviceIfindex('h2', 'dMvp0'),
      deviceIfindex('h1', 'dMvp1'),
      deviceIfindex('h1', 'dMvp0', 1),
      deviceIfindex('h1', 'dMvp0', 2),
    ];
    assert.equal(new Set(all).size, all.length);
    assert.equal(deviceIfindex('h1', 'dMvp0', 0), deviceIfindex('h1', 'dMvp0'));
  });
});
