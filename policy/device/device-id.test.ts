// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  compareDeviceIDs,
  deviceIDs,
  deviceIfindex,
  isLinkName,
  linkName,
  parseDeviceID,
  xxhash64,
} from './device-id.ts';

describe('the device IDs of a resource', () => {
  it('consist of the resource name, Mvp and a number from 0', () => {
    assert.deepEqual(deviceIDs('data', 3), ['dataMvp0', 'dataMvp1', 'dataMvp2']);
    assert.deepEqual(deviceIDs('data', 0), []);
  });

  for (const [id, parsed] of [
    ['dataMvp0', { resourceName: 'data', index: 0 }],
    ['dataMvp4095', { resourceName: 'data', index: 4095 }],
    ['Mvp1Mvp2', { resourceName: 'Mvp1', index: 2 }],
    ['aMvpMvp3', { resourceName: 'aMvp', index: 3 }],
    ['', undefined],
    ['data', undefined],
    ['Mvp0', undefined],
    ['dataMvp', undefined],
    ['dataMvp01', undefined],
    ['dataMvp-1', undefined],
    ['dataMvp1 ', undefined],
    ['datamvp1', undefined],
    ['dataMvp99999999999999999999', undefined],
  ] as const) {
    it(`${JSON.stringify(id)} is read as ${JSON.stringify(parsed)}`, () => assert.deepEqual(parseDeviceID(id), parsed));
  }

  it('are parsed into the same name and number, and sort by number', () => {
    const ids = deviceIDs('eth0.100', 120);
    assert.deepEqual(
      ids.map(parseDeviceID),
      ids.map((_, index) => ({ resourceName: 'eth0.100', index })),
    );
    assert.deepEqual(ids.toReversed().sort(compareDeviceIDs), ids);
  });
});

describe('the name of a link', () => {
  it('is mvt and the low 48 bits of the hash of the device ID', () => {
    // XXH64("a") = d24ec4f1a98c6e5b, XXH64("") = ef46db3751d8e999.
    assert.equal(linkName('a'), 'mvtc4f1a98c6e5b');
    assert.equal(linkName(''), 'mvtdb3751d8e999');
  });

  it('always has twelve digits, even if the hash begins with zeros', () => {
    const names = deviceIDs('dataplane', 4_096).map(linkName);
    assert.ok(names.every(isLinkName));
    assert.ok(names.some((name) => name.startsWith('mvt00')));
    assert.equal(new Set(names).size, 4_096);
  });

  for (const name of [
    'eth0',
    'mvt',
    'mvt0123456789a',
    'mvt0123456789abc',
    'mvt0123456789AB',
    'xmvt0123456789ab',
    'mvt0123456789ag',
  ]) {
    it(`is never ${name}`, () => assert.ok(!isLinkName(name)));
  }
});

describe('the index of a link', () => {
  it('is a positive 32-bit integer with bit 30 set', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(5), (node, device, attempt) => {
        const ifindex = deviceIfindex(node, device, attempt);
        assert.ok(Number.isInteger(ifindex) && ifindex >= 0x4000_0000 && ifindex <= 0x7fff_ffff);
      }),
    );
  });

  it('has the low 30 bits of the hash of node and device', () => {
    assert.equal(deviceIfindex('h1', 'dataMvp0') - 0x4000_0000, Number(xxhash64('h1/dataMvp0') & 0x3fff_ffffn));
    assert.equal(deviceIfindex('h1', 'dataMvp0', 2) - 0x4000_0000, Number(xxhash64('h1/dataMvp0#2') & 0x3fff_ffffn));
  });

  it('is different for each node, device and attempt', () => {
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

describe('XXH64', () => {
  for (const [text, hash] of [
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
  ] as const) {
    it(`of "${text}" is the published value`, () => assert.equal(xxhash64(text), hash));
  }

  it('agrees with the specification for texts of 0 to 100 bytes', () => {
    for (let length = 0; length <= 100; length += 1) {
      const text = Array.from({ length }, (_, index) => String.fromCharCode(33 + ((index * 7) % 90))).join('');
      assert.equal(xxhash64(text), specified(new TextEncoder().encode(text)), `length ${length}`);
    }
    assert.equal(xxhash64('é😀'), specified(new TextEncoder().encode('é😀')));
  });
});

const primes = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const [p1, p2, p3, p4, p5] = primes;
const u64 = (value: bigint) => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint) => u64((value << by) | (u64(value) >> (64n - by)));
const round = (lane: bigint, input: bigint) => u64(rotate(u64(lane + input * p2), 31n) * p1);

/** Computes XXH64 with seed 0 as specified in doc/xxhash_spec.md of Cyan4973/xxHash. */
function specified(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash: bigint = p5;
  if (bytes.length >= 32) {
    const lanes = [u64(p1 + p2), p2, 0n, u64(-p1)];
    for (; at + 32 <= bytes.length; at += 32) {
      lanes.forEach((lane, index) => {
        lanes[index] = round(lane, view.getBigUint64(at + index * 8, true));
      });
    }
    hash = u64(lanes.reduce((sum, lane, index) => sum + rotate(lane, [1n, 7n, 12n, 18n][index] as bigint), 0n));
    for (const lane of lanes) hash = u64((hash ^ round(0n, lane)) * p1 + p4);
  }
  hash = u64(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) {
    hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4);
  }
  for (; at + 4 <= bytes.length; at += 4) {
    hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * p1), 23n) * p2 + p3);
  }
  for (; at < bytes.length; at += 1) hash = u64(rotate(hash ^ u64(BigInt(view.getUint8(at)) * p5), 11n) * p1);
  hash = u64((hash ^ (hash >> 33n)) * p2);
  hash = u64((hash ^ (hash >> 29n)) * p3);
  return hash ^ (hash >> 32n);
}
