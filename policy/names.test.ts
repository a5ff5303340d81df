// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareNatural, compareSplit, createSearchBudget, nearestNames } from './names.ts';

describe('the most similar names', () => {
  for (const [slip, wanted, names, nearest] of [
    ['two letters swapped', 'datapalne', ['dataplane', 'storage'], ['dataplane']],
    ['a letter too many', 'dataplanee', ['dataplane'], ['dataplane']],
    ['a letter left out', 'dataplne', ['dataplane'], ['dataplane']],
    ['a letter replaced', 'mtx', ['mtu', 'mac'], ['mtu']],
    ['upper case', 'MTU', ['mtu'], ['mtu']],
    ['three slips in a long name', 'datplnae', ['dataplane'], ['dataplane']],
    [
      'several matches: nearest first, then in natural order',
      'eth',
      ['eth10', 'eth2', 'eth0', 'eth', 'eth1'],
      ['eth', 'eth0', 'eth1'],
    ],
    ['at most one slip in a short name', 'ab', ['cd', 'a', 'abc'], ['a', 'abc']],
    ['another word', 'storage', ['dataplane', 'store'], ['store']],
    ['an empty name', '', ['dataplane'], []],
    ['no names to choose from', 'dataplane', [], []],
  ] as const) {
    it(`with ${slip}`, () => assert.deepEqual(nearestNames(wanted, names), nearest));
  }

  it('are found among thousands; a text that is too long for a name is not searched', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `${'resource-of-a-policy-'.repeat(2)}${index}`);
    assert.equal(nearestNames(`${'resource-of-a-policy-'.repeat(2)}77x`, names)[0], names[77]);
    assert.deepEqual(nearestNames('x'.repeat(2_000_000), [...names, 'x'.repeat(2_000_000)]), []);
    assert.deepEqual(nearestNames('x'.repeat(66), ['x'.repeat(65)]), []);
  });

  it('are searched within a budget that several searches share', () => {
    let looked = 0;
    // The names have the maximum length and differ only at the end.
    function* names(count: number): Generator<string, void, void> {
      for (looked = 0; looked < count; looked += 1) yield `${'x'.repeat(54)}${String(looked).padStart(6, '0')}abc`;
    }
    const wanted = `${'x'.repeat(60)}zzz`;
    nearestNames(wanted, names(4_000));
    const once = looked;
    nearestNames(wanted, names(8_000));
    assert.ok(looked === once && once < 1_000, `${once} and ${looked} names looked at`);
    const budget = createSearchBudget();
    nearestNames(wanted, names(4_000), budget);
    nearestNames(wanted, names(4_000), budget);
    assert.equal(looked, 0);
  });

  it('are exactly the names within the limit by the recursive definition of the distance', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 });
    fc.assert(
      fc.property(name, name, (wanted, other) => {
        const bound = Math.max(1, Math.min(3, Math.floor(wanted.length / 3)));
        assert.equal(nearestNames(wanted, [other]).length === 1, distance(wanted, other) <= bound);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Computes the distance by the recursive definition of optimal string alignment. */
function distance(left: string, right: string): number {
  if (left === '' || right === '') return left.length + right.length;
  const [l, r] = [left.slice(0, -1), right.slice(0, -1)];
  const swapped = left.length > 1 && right.length > 1 && left.at(-1) === right.at(-2) && left.at(-2) === right.at(-1);
  if (left.at(-1) === right.at(-1)) return distance(l, r);
  return (
    1 +
    Math.min(
      distance(l, right),
      distance(left, r),
      distance(l, r),
      ...(swapped ? [distance(l.slice(0, -1), r.slice(0, -1))] : []),
    )
  );
}

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

  it('is the same whether or not names are split', () => {
    const name = fc.string({ unit: fc.constantFrom('0', '1', '2', '10', 'a', 'b', '-'), maxLength: 6 });
    fc.assert(
      fc.property(name, name, (left, right) =>
        assert.equal(Math.sign(compareNatural(left, right)), Math.sign(compareSplit(left, right))),
      ),
      { numRuns: 5_000 },
    );
  });

  it('is total: antisymmetric, transitive, and zero only for equal names', () => {
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
