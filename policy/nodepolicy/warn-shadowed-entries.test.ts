// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entries, policy } from '../../test/fixtures/plan/build-example.ts';
import type { Policy } from './read-policy.ts';
import type { ParentEntry } from './rule.ts';
import { warnShadowedEntries } from './warn-shadowed-entries.ts';

const told = (subject: Policy) =>
  warnShadowedEntries(subject, { others: [], nodes: new Map() }).map(
    ({ code, severity, path, detail }) => `${severity} ${code} ${path}: ${detail.split(':')[0]}`,
  );

describe('an entry that never gets its turn', () => {
  it('names the interface and resource of an earlier one', () => {
    const subject = entries(
      { parentIface: 'bond1', resourceName: 'data' },
      { parentIface: 'eth1', resourceName: 'data' },
      { parentIface: 'bond1', resourceName: 'data', mode: 'vepa' },
      { parentIface: 'eth0' },
      { parentIface: 'eth0', quantity: 5 },
    );
    assert.deepEqual(told(subject), [
      'warn Shadowed spec.parentSelector[2]: entry 0 names the same interface and resource',
      'warn Shadowed spec.parentSelector[4]: entry 3 names the same interface and resource',
    ]);
  });

  it('may be one of the resource-centric form', () => {
    const parentSelector = [{ parentIface: 'eth0' }, { parentIface: 'eth0', mode: 'vepa' }] as const;
    assert.equal(told(policy('p', { resourceName: 'data', parentSelector })).length, 1);
  });
});

describe('an entry that may get its turn', () => {
  for (const [title, ...list] of [
    [
      'has another interface',
      { parentIface: 'bond1', resourceName: 'data' },
      { parentIface: 'eth1', resourceName: 'data' },
    ],
    ['has another name', { parentIface: 'eth0', resourceName: 'a' }, { parentIface: 'eth0', resourceName: 'b' }],
    ['has the name of the interface', { parentIface: 'eth0', resourceName: 'a' }, { parentIface: 'eth0' }],
    ['comes after a passthru that spares the node', { parentIface: 'eth0', mode: 'passthru' }, { parentIface: 'eth0' }],
    ['selects', { nicSelector: { names: ['eth0'] } }, { nicSelector: { names: ['eth0'] } }],
    ['comes after one that selects', { nicSelector: { names: ['eth0'] } }, { parentIface: 'eth0' }],
  ] as const) {
    it(title, () => assert.deepEqual(told(entries(...(list as readonly ParentEntry[]))), []));
  }

  it('does not come after a passthru that is as choosy, or not choosy at all', () => {
    const whole = { parentIface: 'eth0', mode: 'passthru' } as const;
    assert.equal(told(entries(whole, whole)).length, 1);
    assert.equal(told(entries({ ...whole, allowHostInterface: true }, { parentIface: 'eth0' })).length, 1);
  });
});
