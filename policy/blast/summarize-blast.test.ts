// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verdictText } from '../../webhook/admission/responses.ts';
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
      'ResourceLost dataplane: 3 nodes lose it, 12 devices held: h1, h2, h3',
    ]);
    assert.deepEqual(told(['h1', lost(1)]), ['ResourceLost dataplane: 1 node loses it, 1 device held: h1']);
    assert.deepEqual(told(...['h1', 'h2', 'h3', 'h4'].map((name): Blast => [name, change('gained', 'a')])), [
      'ResourceGained a: 4 nodes gain it: h1, h2, h3, ...',
    ]);
  });

  it('tells how a resource changes, and from where one is gained', () => {
    assert.deepEqual(
      told(
        ['h1', change('changed', 'a', 2, 'mode bridge -> vepa'), change('gained', 'b', 0, 'by implicit exposure')],
        ['h2', change('changed', 'a', 0, 'parent eth0 -> eth1'), change('gained', 'b')],
      ),
      [
        'ResourceChanged a: 1 node changes it, 2 devices held, mode bridge -> vepa: h1',
        'ResourceChanged a: 1 node changes it, parent eth0 -> eth1: h2',
        'ResourceGained b: 1 node gains it: h2',
        'ResourceGained b: 1 node gains it by implicit exposure: h1',
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

  it('is told in full with the longest names there can be, but for the names of nodes', () => {
    const resource = 'r'.repeat(63);
    const names = Array.from({ length: 5_000 }, (_, index) => `ip-10-0-${index}-${'n'.repeat(240)}`);
    const finished = (effect: ResourceChange['effect'], how: string) => {
      const summary = summarizeBlast();
      for (const name of names) summary.add(name, [change(effect, resource, 4_096, how)]);
      return summary.verdicts().map(verdictText);
    };
    const [lost] = finished('lost', '');
    assert.match(lost ?? '', /^ResourceLost spec: .* \(r{63}: 5000 nodes lose it, 20480000 devices held: ip-10-0-0-n+/);
    const [changed] = finished('changed', 'parent ens5f0 -> ens5f1, mode private -> vepa');
    assert.match(changed ?? '', /\(r{63}: 5000 nodes change it, 20480000 devices held, parent ens5f0 -> ens5f1/);
    const [gained] = finished('gained', 'by the explicit configuration');
    assert.match(gained ?? '', /\(r{63}: 5000 nodes gain it by the explicit configuration/);
    for (const text of [lost, changed, gained]) assert.ok((text ?? '').length <= 256);
  });

  it('has room for the mode and for nodes where names are as most are', () => {
    const nodes = ['ip-10-0-123-45', 'ip-10-0-123-46', 'ip-10-0-123-47'].map(
      (name) => `${name}.eu-central-1.compute.internal`,
    );
    const summary = summarizeBlast();
    for (const name of nodes) summary.add(name, [change('changed', 'dataplane', 20, 'mode private -> vepa')]);
    const [text] = summary.verdicts().map(verdictText);
    assert.match(
      text ?? '',
      /\(dataplane: 3 nodes change it, 60 devices held, mode private -> vepa: ip-10-0-123-45\..*\)$/,
    );
    assert.ok((text ?? '').length <= 256);
  });
});
