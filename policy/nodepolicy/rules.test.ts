// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { listFixtureRules, readFixtures } from '../../test/fixtures/read-fixtures.ts';
import type { PolicyObject } from './rule.ts';
import { reviewPolicy, rules } from './rules.ts';

const context = { policyNamespace };

describe('the list of rules', () => {
  it('contains every rule file once', () => {
    const files = readdirSync(import.meta.dirname).filter((file) => /^check-.*(?<!\.test)\.ts$/.test(file));
    assert.deepEqual(rules.map(({ name }) => `${name}.ts`).sort(), files.sort());
  });

  it('has fixtures for every rule, and no other fixtures', () => {
    assert.deepEqual(
      listFixtureRules('nodepolicy').filter((folder) => folder !== 'schema'),
      rules.map(({ name }) => name).sort(),
    );
  });
});

for (const { name, rule } of rules) {
  describe(name, () => {
    const passing = readFixtures('nodepolicy', name, 'pass');
    const failing = readFixtures('nodepolicy', name, 'fail');

    it('has a fixture that passes and one that fails', () => assert.ok(passing.length > 0 && failing.length > 0));

    for (const { title, object } of passing) {
      it(`and all other rules accept ${title}`, () => {
        assert.deepEqual(reviewPolicy(toPolicy(object), context), []);
      });
    }

    for (const { title, object, expected } of failing) {
      it(`denies ${title} with exactly the expected verdicts`, () => {
        const verdicts = rule(toPolicy(object), context);
        assert.deepEqual(
          verdicts.map(({ code, path }) => `${code} ${path}`),
          expected,
        );
        for (const { severity, reason, detail } of verdicts)
          assert.ok(severity === 'deny' && reason !== '' && detail !== '');
      });
    }
  });
}

function toPolicy(object: unknown): PolicyObject {
  return object as PolicyObject;
}
