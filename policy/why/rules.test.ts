// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { pod, whyFacts } from '../../test/fixtures/why/build-facts.ts';
import { cases, h1, net, p, vm } from '../../test/fixtures/why/cases.ts';
import { causes } from './cause.ts';
import { createScope } from './create-scope.ts';
import { explain } from './explain.ts';
import { rules } from './rules.ts';

describe('the list of rules', () => {
  it('contains every rule file once', () => {
    const files = readdirSync(`${import.meta.dirname}/causes`).filter((file) => /^find-.*(?<!\.test)\.ts$/.test(file));
    assert.deepEqual(rules.map(({ name }) => `${name}.ts`).sort(), files.sort());
  });

  it('has a test case for every rule and every cause', () => {
    assert.deepEqual([...new Set(cases.map(({ rule }) => rule))].sort(), rules.map(({ name }) => name).sort());
    assert.deepEqual([...new Set(cases.map(({ code }) => code))].sort(), Object.keys(causes).sort());
  });

  it('has the same order as the causes', () => {
    const codes = rules.flatMap(({ name }) => cases.find(({ rule }) => rule === name)?.code ?? []);
    assert.deepEqual(codes, Object.keys(causes));
  });
});

describe('if nothing is wrong', () => {
  const running = pod({ phase: 'Running', isReady: true, node: 'h1' });
  const facts = [whyFacts({ pod: pod() }), whyFacts({ pod: pod({ node: 'h1' }) }), whyFacts({ pod: running })];
  for (const subject of [vm, net, h1, p]) {
    it(`nothing is found for a ${subject.kind}`, () => {
      for (const each of facts) {
        const explanation = explain(subject, each);
        assert.deepEqual([explanation?.causes, explanation?.notes], [[], []]);
        assert.ok((explanation?.checked.length ?? 0) > 2);
      }
    });
  }
});

for (const { rule: name, title, subject, broken, code, isNote = false, detail, lines } of cases) {
  it(`${name}: ${title}`, () => {
    const scope = createScope(subject, broken);
    const rule = rules.find((one) => one.name === name)?.rule;
    assert.ok(scope !== undefined && rule !== undefined);
    const [cause, ...more] = rule(scope, broken);
    assert.deepEqual([cause?.code, cause?.isNote, more], [code, isNote, []]);
    assert.match(cause?.detail ?? '', detail);
    assert.deepEqual([...(cause?.fix.onNode ?? []), ...(cause?.fix.commands ?? [])], lines);
    const all = explain(subject, broken);
    assert.equal((isNote ? all?.notes : all?.causes)?.[0]?.code, code, 'the first finding is this one');
  });
}
