// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nearestNames } from './nearest-names.ts';

describe('the names that somebody most likely meant', () => {
  for (const [slip, wanted, names, nearest] of [
    ['two letters swapped', 'datapalne', ['dataplane', 'storage'], ['dataplane']],
    ['a letter too many', 'dataplanee', ['dataplane'], ['dataplane']],
    ['a letter left out', 'dataplne', ['dataplane'], ['dataplane']],
    ['a letter replaced', 'mtx', ['mtu', 'mac'], ['mtu']],
    ['upper case', 'MTU', ['mtu'], ['mtu']],
    ['three slips in a long name', 'datplnae', ['dataplane'], ['dataplane']],
    [
      'nearest first, then as a person counts',
      'eth',
      ['eth10', 'eth2', 'eth0', 'eth', 'eth1'],
      ['eth', 'eth0', 'eth1'],
    ],
    ['too much of a short name', 'ab', ['cd', 'a', 'abc'], ['a', 'abc']],
    ['another word', 'storage', ['dataplane', 'store'], ['store']],
    ['nothing typed', '', ['dataplane'], []],
    ['nothing offered', 'dataplane', [], []],
  ] as const) {
    it(slip, () => assert.deepEqual(nearestNames(wanted, names), nearest));
  }

  it('are found among thousands, and not sought for a text that is no name', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `${'resource-of-a-policy-'.repeat(2)}${index}`);
    assert.equal(nearestNames(`${'resource-of-a-policy-'.repeat(2)}77x`, names)[0], names[77]);
    assert.deepEqual(nearestNames('x'.repeat(2_000_000), [...names, 'x'.repeat(2_000_000)]), []);
    assert.deepEqual(nearestNames('x'.repeat(66), ['x'.repeat(65)]), []);
  });

  it('are within the bound by the plain definition of the distance', () => {
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

/** The recursive definition of optimal string alignment. */
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
