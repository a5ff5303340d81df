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

describe('an interface after which its resource is named', () => {
  it('gets a warning if the name is not a legal resource name', () => {
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

  it('gets no warning if the entry has a resourceName or a nicSelector', () => {
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

describe('an entry gets a warning because an earlier entry always has precedence', () => {
  it('if the earlier entry has the same interface and resource', () => {
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

  it('also in the resource-centric form', () => {
    const parentSelector = [{ parentIface: 'eth0' }, { parentIface: 'eth0', mode: 'vepa' }] as const;
    assert.equal(shadowed(policy('p', { resourceName: 'data', parentSelector })).length, 1);
  });

  it('if the earlier entry uses passthru and finds all interfaces that this entry finds', () => {
    const whole = { parentIface: 'eth0', mode: 'passthru' } as const;
    assert.equal(shadowed(entries(whole, whole)).length, 1);
    assert.equal(shadowed(entries({ ...whole, allowHostInterface: true }, { parentIface: 'eth0' })).length, 1);
  });
});

describe('an entry gets no warning', () => {
  for (const [title, ...list] of [
    [
      'if the earlier entry has another interface',
      { parentIface: 'bond1', resourceName: 'data' },
      { parentIface: 'eth1', resourceName: 'data' },
    ],
    [
      'if the earlier entry has another resourceName',
      { parentIface: 'eth0', resourceName: 'a' },
      { parentIface: 'eth0', resourceName: 'b' },
    ],
    [
      'if its resource is named after the interface and that of the earlier entry is not',
      { parentIface: 'eth0', resourceName: 'a' },
      { parentIface: 'eth0' },
    ],
    [
      'if the earlier entry uses passthru and does not find interfaces with node traffic',
      { parentIface: 'eth0', mode: 'passthru' },
      { parentIface: 'eth0' },
    ],
    ['if both entries have a nicSelector', { nicSelector: { names: ['eth0'] } }, { nicSelector: { names: ['eth0'] } }],
    ['if the earlier entry has a nicSelector', { nicSelector: { names: ['eth0'] } }, { parentIface: 'eth0' }],
  ] as const) {
    it(title, () => assert.deepEqual(shadowed(entries(...(list as readonly ParentEntry[]))), []));
  }
});
