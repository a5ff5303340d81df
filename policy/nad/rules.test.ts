// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { contextIn } from '../../test/fixtures/nad/offers.ts';
import { type Fixture, listFixtureRules, readFixtures } from '../../test/fixtures/read-fixtures.ts';
import type { Verdict } from '../reasons.ts';
import { defaults } from './defaults.ts';
import { reviewNad } from './review-nad.ts';
import type { NadObject } from './rule.ts';
import { rules } from './rules.ts';

describe('the list of rules', () => {
  it('has every rule file, once', () => {
    assert.deepEqual(rules.map(({ name }) => `${name}.ts`).sort(), filesNamed(/^check-/));
  });

  it('has fixtures for every rule, and no fixtures are without one', () => {
    assert.deepEqual(listFixtureRules('nad'), rules.map(({ name }) => name).sort());
  });
});

describe('the list of defaults', () => {
  it('has every default, once', () => {
    const files = filesNamed(/^default-/).filter((file) => file !== 'default-nad.ts');
    assert.deepEqual(defaults.map(({ name }) => `${name}.ts`).sort(), files);
  });
});

for (const { name } of rules) {
  describe(name, () => {
    const passing = readFixtures('nad', name, 'pass');
    const failing = readFixtures('nad', name, 'fail');

    it('has a fixture that passes and one that fails', () => assert.ok(passing.length > 0 && failing.length > 0));

    for (const { title, object } of passing) {
      it(`says nothing of ${title}, nor does any other rule`, () => assert.deepEqual(review(object), []));
    }

    // Only this rule's verdicts are expected, and those of every other rule must not be there.
    for (const { title, object, expected } of failing) {
      it(`tells of ${title} exactly what it expects`, () => {
        const verdicts = review(object);
        assert.deepEqual(verdicts.map(line), expected);
        for (const { reason, detail } of verdicts)
          assert.ok(reason !== '' && detail !== '' && detail.length < 256, detail);
      });
    }
  });
}

/** A fixture expects `CODE path` of a denial, `warn CODE path` of a warning. */
function line({ severity, code, path }: Verdict): string {
  return `${severity === 'warn' ? 'warn ' : ''}${code} ${path}`;
}

function review(object: Fixture['object']): readonly Verdict[] {
  return reviewNad(object as unknown as NadObject, contextIn(String(object.metadata.namespace)));
}

function filesNamed(pattern: RegExp): readonly string[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => pattern.test(file) && file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort();
}
