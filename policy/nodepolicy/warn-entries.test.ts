// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entries, policy } from '../../test/fixtures/plan/build-example.ts';
import { verdictText } from '../../webhook/admission/responses.ts';
import type { Policy } from './read-policy.ts';
import type { ParentEntry } from './rule.ts';
import { warnEntries } from './warn-entries.ts';

const parentNames = (...parentSelector: readonly ParentEntry[]) =>
  warnEntries(policy('p', { parentSelector }), { others: [], nodes: new Map() });

describe('an interface that would name its resource', () => {
  it('gets a warning if no resource can have the name', () => {
    assert.deepEqual(
      parentNames({ parentIface: 'eth0' }, { parentIface: 'eth0:1' }, { parentIface: 'eth0-' }).map(
        ({ severity, code, path, detail }) => [severity, code, path, detail],
      ),
      [
        [
          'warn',
          'IllegalResourceName',
          'spec.parentSelector[1].parentIface',
          'eth0:1, unless it is an altname of an interface with a legal one',
        ],
        [
          'warn',
          'IllegalResourceName',
          'spec.parentSelector[2].parentIface',
          'eth0-, unless it is an altname of an interface with a legal one',
        ],
      ],
    );
  });

  it('gets a complete warning, however long the name is', () => {
    const [text] = parentNames({ parentIface: 'x'.repeat(127) }).map(verdictText);
    assert.match(text ?? '', /\(x+\.\.\., unless it is an altname of an interface with a legal one\)$/);
    assert.ok((text ?? '').length <= 256);
  });

  it('gets no warning if the entry names the resource, or selects by more than a name', () => {
    assert.deepEqual(
      parentNames({ parentIface: 'eth0:1', resourceName: 'data' }, { nicSelector: { names: ['eth0:1'] } }),
      [],
    );
    const whole = policy('p', { resourceName: 'data', parentSelector: [{ parentIface: 'eth0:1' }] });
    assert.deepEqual(warnEntries(whole, { others: [], nodes: new Map() }), []);
  });
});

const shadowed = (subject: Policy) =>
  warnEntries(subject, { others: [], nodes: new Map() }).map(
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
    assert.deepEqual(shadowed(subject), [
      'warn Shadowed spec.parentSelector[2]: entry 0 names the same interface and resource',
      'warn Shadowed spec.parentSelector[4]: entry 3 names the same interface and resource',
    ]);
  });

  it('may be one of the resource-centric form', () => {
    const parentSelector = [{ parentIface: 'eth0' }, { parentIface: 'eth0', mode: 'vepa' }] as const;
    assert.equal(shadowed(policy('p', { resourceName: 'data', parentSelector })).length, 1);
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
    it(title, () => assert.deepEqual(shadowed(entries(...(list as readonly ParentEntry[]))), []));
  }

  it('does not come after a passthru that is as choosy, or not choosy at all', () => {
    const whole = { parentIface: 'eth0', mode: 'passthru' } as const;
    assert.equal(shadowed(entries(whole, whole)).length, 1);
    assert.equal(shadowed(entries({ ...whole, allowHostInterface: true }, { parentIface: 'eth0' })).length, 1);
  });
});
