// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { contextIn } from '../../test/fixtures/nad/offers.ts';
import { type Fixture, listFixtureRules, readFixtures } from '../../test/fixtures/read-fixtures.ts';
import { reasons, type Verdict } from '../reasons.ts';
import { mtuBounds } from './check-mtu.ts';
import type { NadObject } from './read-nad.ts';
import { reviewNad } from './review-nad.ts';
import { defaults, rules } from './rules.ts';

describe('the list of rules', () => {
  it('contains every rule file once', () => {
    assert.deepEqual(rules.map(({ name }) => `${name}.ts`).sort(), filesNamed(/^check-/));
  });

  it('has fixtures for every rule, and no other fixtures', () => {
    assert.deepEqual(listFixtureRules('nad'), rules.map(({ name }) => name).sort());
  });
});

describe('the list of defaults', () => {
  it('contains every default once', () => {
    assert.deepEqual(defaults.map(({ name }) => `${name}.ts`).sort(), filesNamed(/^default-/));
  });
});

for (const { name } of rules) {
  describe(name, () => {
    const passing = readFixtures('nad', name, 'pass');
    const failing = readFixtures('nad', name, 'fail');

    it('has a fixture that passes and one that fails', () => assert.ok(passing.length > 0 && failing.length > 0));

    for (const { title, object } of passing) {
      it(`and all other rules accept ${title}`, () => assert.deepEqual(review(object), []));
    }

    // The fixture expects the verdicts of this rule. All other rules must return none.
    for (const { title, object, expected } of failing) {
      it(`returns the expected verdicts for ${title}`, () => {
        const verdicts = review(object);
        assert.deepEqual(verdicts.map(line), expected);
        for (const { reason, detail } of verdicts)
          assert.ok(reason !== '' && detail !== '' && detail.length < 256, detail);
      });
    }
  });
}

/** Formats a verdict as fixtures do: `CODE path` for a denial, `warn CODE path` for a warning. */
function line({ severity, code, path }: Verdict): string {
  return `${severity === 'warn' ? 'warn ' : ''}${code} ${path}`;
}

function review(object: Fixture['object']): readonly Verdict[] {
  return reviewNad(object as unknown as NadObject, contextIn(String(object.metadata.namespace)));
}

describe('the bounds of an MTU', () => {
  it('are the same as in the text of IllegalMtu', () => {
    assert.equal(reasons.IllegalMtu, `the MTU is an integer from ${mtuBounds.least} to ${mtuBounds.most}`);
  });
});

function filesNamed(pattern: RegExp): readonly string[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => pattern.test(file) && file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort();
}
