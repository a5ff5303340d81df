// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareNatural } from './natural-order.ts';

describe('natural order', () => {
  for (const sorted of [
    ['ens2', 'ens10'],
    ['bond0', 'bond1', 'eth0', 'eth1', 'eth9', 'eth10', 'eth10.5', 'eth10.40'],
    ['enp1s0', 'enp1s0f1', 'enp1s10', 'enp2s0'],
    ['a', 'a0', 'a00', 'a01', 'a1', 'a2'],
    ['', '2', '10', 'a'],
    ['n9007199254740992', 'n9007199254740993', 'n90071992547409920'],
  ]) {
    it(`is ${sorted.map((name) => name || '(empty)').join(' < ')}`, () => {
      assert.deepEqual(sorted.toReversed().sort(compareNatural), sorted);
    });
  }

  it('is total: antisymmetric, transitive, and zero for equals only', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '0', '1', '2', '-', 'é', '\n'), maxLength: 6 });
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        assert.equal(Math.sign(compareNatural(a, b)) + Math.sign(compareNatural(b, a)), 0);
        assert.equal(compareNatural(a, b) === 0, a === b);
        if (compareNatural(a, b) < 0 && compareNatural(b, c) < 0) assert.ok(compareNatural(a, c) < 0);
      }),
      { numRuns: 2_000 },
    );
  });
});
