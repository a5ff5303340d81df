// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { podContext } from '../../test/fixtures/pod/build-context.ts';
import { listFixtureRules, readFixtures } from '../../test/fixtures/read-fixtures.ts';
import type { PodObject } from './read-pod.ts';
import { reviewPod } from './review-pod.ts';
import { rules } from './rules.ts';

describe('the list of rules', () => {
  it('has every rule file, once', () => {
    const files = readdirSync(import.meta.dirname).filter((file) => /^check-.*(?<!\.test)\.ts$/.test(file));
    assert.deepEqual(rules.map(({ name }) => `${name}.ts`).sort(), files.sort());
  });

  it('has fixtures for every rule, and no fixtures are without one', () => {
    assert.deepEqual(listFixtureRules('pod'), rules.map(({ name }) => name).sort());
  });
});

for (const { name, rule } of rules) {
  describe(name, () => {
    const passing = readFixtures('pod', name, 'pass');
    const failing = readFixtures('pod', name, 'fail');

    it('has a fixture that passes and one that fails', () => assert.ok(passing.length > 0 && failing.length > 0));

    for (const { title, object } of passing) {
      it(`says nothing of ${title}, nor does any other rule`, () => {
        assert.deepEqual(reviewPod(object, contextOf(object)), []);
      });
    }

    for (const { title, object, expected } of failing) {
      it(`says of ${title} exactly what it expects, denying or warning`, () => {
        const verdicts = rule(object, contextOf(object));
        assert.deepEqual(
          verdicts.map(({ severity, code, path }) => `${severity === 'warn' ? 'warn ' : ''}${code} ${path}`),
          expected,
        );
        for (const { reason, detail } of verdicts) {
          assert.ok(reason !== '' && detail !== '' && detail.length < 256, detail);
        }
      });
    }
  });
}

function contextOf({ metadata }: PodObject): ReturnType<typeof podContext> {
  return podContext((metadata as { readonly namespace: string }).namespace);
}
