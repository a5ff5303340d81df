// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ResourceChange } from './blast-of-node.ts';
import { summarizeBlast } from './summarize-blast.ts';

const change = (effect: ResourceChange['effect'], resource: string, held = 0, how = ''): ResourceChange => ({
  effect,
  resource,
  held,
  how,
});

type Blast = readonly [node: string, ...changes: readonly ResourceChange[]];
const told = (...blasts: readonly Blast[]) => {
  const summary = summarizeBlast();
  for (const [name, ...changes] of blasts) summary.add(name, changes);
  return summary.verdicts().map(({ code, severity, path, detail }) => {
    assert.deepEqual([severity, path], ['warn', 'spec']);
    assert.ok(detail.length <= 256, detail);
    return `${code} ${detail}`;
  });
};

describe('the summary of a change', () => {
  it('is empty where nothing changes', () => assert.deepEqual(told(['h1']), []));

  it('adds up nodes and held devices by resource', () => {
    const lost = (held: number) => change('lost', 'dataplane', held);
    assert.deepEqual(told(['h1', lost(4)], ['h2', lost(8)], ['h3', lost(0)]), [
      'ResourceLost dataplane: 3 nodes lose it (h1, h2, h3), 12 devices held',
    ]);
    assert.deepEqual(told(['h1', lost(1)]), ['ResourceLost dataplane: 1 node loses it (h1), 1 device held']);
    assert.deepEqual(told(...['h1', 'h2', 'h3', 'h4'].map((name): Blast => [name, change('gained', 'a')])), [
      'ResourceGained a: 4 nodes gain it (h1, h2, h3, ...)',
    ]);
  });

  it('tells how a resource changes, and from where one is gained', () => {
    assert.deepEqual(
      told(
        ['h1', change('changed', 'a', 2, 'mode bridge -> vepa'), change('gained', 'b', 0, 'by implicit exposure')],
        ['h2', change('changed', 'a', 0, 'parent eth0 -> eth1'), change('gained', 'b')],
      ),
      [
        'ResourceChanged a: 1 node changes it (h1), 2 devices held: mode bridge -> vepa',
        'ResourceChanged a: 1 node changes it (h2): parent eth0 -> eth1',
        'ResourceGained b: 1 node gains it (h2)',
        'ResourceGained b: 1 node gains it by implicit exposure (h1)',
      ],
    );
  });

  it('begins with what is lost, then with what reaches most nodes, whatever the order of the changes', () => {
    const blasts: readonly Blast[] = [
      ['h1', change('gained', 'a'), change('changed', 'b', 0, 'x'), change('lost', 'eth10'), change('lost', 'eth2')],
      ['h2', change('gained', 'a'), change('lost', 'z')],
      ['h3', change('lost', 'z')],
    ];
    const expected = ['z', 'eth2', 'eth10', 'b', 'a'];
    const order = (list: readonly Blast[]) => told(...list).map((text) => /^\w+ (\w+):/.exec(text)?.[1]);
    assert.deepEqual(order(blasts), expected);
    assert.deepEqual(
      order(blasts.toReversed().map(([name, ...changes]): Blast => [name, ...changes.toReversed()])),
      expected,
    );
  });

  it('counts what is too much to tell', () => {
    const many = (count: number, held = 0, name = 'h1'): Blast => [
      name,
      ...Array.from({ length: count }, (_, index) => change('lost', `r${index}`, held)),
    ];
    assert.equal(told(many(10)).length, 10);
    assert.deepEqual(told(many(11)).slice(10), ['ResourceLost and 1 change more on 1 node']);
    assert.deepEqual(told(many(13, 2), many(12, 0, 'h2')).slice(10), [
      'ResourceLost and 3 changes more on 2 nodes, 6 devices held',
    ]);
    const texts = told(many(10), ['h2', change('gained', 'g1'), change('changed', 'g2', 0, 'x')]);
    assert.deepEqual(texts.slice(10), ['ResourceChanged and 2 changes more on 1 node']);
  });

  it('stays short with the longest names there can be', () => {
    const long = change(
      'changed',
      'r'.repeat(63),
      4_096,
      `parent ${'a'.repeat(15)} -> ${'b'.repeat(15)}, mode private -> passthru, ${'x'.repeat(200)}`,
    );
    const names = Array.from({ length: 5_000 }, (_, index) => `${index}${'n'.repeat(240)}`);
    const [text] = told(...names.map((name): Blast => [name, long]));
    assert.match(text ?? '', /5000 nodes change it .*, 20480000 devices held: /);
  });
});
