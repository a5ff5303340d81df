// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import type { Finding } from '../../policy/plan/node-plan.ts';
import { reasons } from '../../policy/reasons.ts';
import { entries, nic, plan } from '../../test/fixtures/plan/build-example.ts';
import { findingLines, renderPlans } from './render-plan.ts';

const asked = entries({ parentIface: 'eth1', resourceName: 'data', quantity: 5 }, { parentIface: 'eth2' });
const busy = plan({ interfaces: [nic('eth1')], policies: [asked] });
const idle = { ...plan({ interfaces: [], implicit: undefined }), node: 'h2' };

describe('plans as a table', () => {
  it('have a row for each resource, and a row for each node that exposes nothing', () => {
    assert.deepEqual(renderPlans([busy, idle], 'table').split('\n'), [
      'NODE  RESOURCE  PARENT  MODE    QUANTITY  SOURCE',
      'h1    data      eth1    bridge  5         policy macvtap-cni/p',
      'h2    -         -       -       -         none',
      '',
      'Not exposed:',
      `  h1  NothingFound  macvtap-cni/p[1] eth2: ${reasons.NothingFound}`,
    ]);
  });

  it('fit the width of the terminal', () => {
    const table = renderPlans([busy, idle], 'table', 60);
    assert.deepEqual(
      table.split('\n').filter(({ length }) => length > 60),
      [],
    );
    assert.match(table, /^h1 {4}data .* policy macvtap-cn…$/m);
  });

  it('consist only of resources if everything is exposed', () => {
    assert.doesNotMatch(renderPlans([idle], 'table'), /Not exposed|\n$/);
  });

  it('list conflicts before skipped entries', () => {
    const taken = { code: 'ResourceNameTaken', source: 'policy', policy: 'ns/q', entry: 0, resource: 'data' } as const;
    assert.match(renderPlans([{ ...busy, conflicts: [taken] }], 'table'), /ResourceNameTaken.*NothingFound/s);
  });
});

describe('plans for a script', () => {
  it('are complete, as JSON and as YAML', () => {
    assert.deepEqual(JSON.parse(renderPlans([busy, idle], 'json')), [busy, idle]);
    assert.deepEqual(parse(renderPlans([busy, idle], 'yaml')), [busy, idle]);
  });

  it('contain shared parts twice instead of YAML aliases', () => {
    const yaml = renderPlans([busy, busy], 'yaml');
    assert.doesNotMatch(yaml, /[&*]a1/);
    assert.deepEqual(parse(yaml), [busy, busy]);
  });
});

const nothing = (entry: number, nic: string): Finding => ({
  code: 'NothingFound',
  source: 'policy',
  policy: 'macvtap-cni/p',
  entry,
  interface: nic,
});
const on = (node: string, ...findings: readonly Finding[]) => findings.map((finding) => ({ node, finding }));
const says = reasons.NothingFound;

describe('findings', () => {
  it('on several nodes share one line, which gives the number of nodes if there are many', () => {
    const three = ['h10', 'h2', 'h1'].flatMap((node) => on(node, nothing(0, 'eth7')));
    assert.deepEqual(findingLines(three), [`  h1, h2 and h10  NothingFound  macvtap-cni/p[0] eth7: ${says}`]);
    const many = Array.from({ length: 2_000 }, (_, index) => `h${index}`).flatMap((node) =>
      on(node, nothing(0, 'eth7')),
    );
    assert.deepEqual(findingLines(many), [
      `  2,000 nodes (h0, h1, h2, …)  NothingFound  macvtap-cni/p[0] eth7: ${says}`,
    ]);
  });

  it('of several entries of a policy share one line if the reason is the same', () => {
    const named = { ...nothing(2, 'eth9'), resource: 'data' };
    assert.deepEqual(findingLines(on('h1', nothing(0, 'eth7'), nothing(1, 'eth8'), named)), [
      `  h1  NothingFound  macvtap-cni/p[0] eth7, [1] eth8, [2] eth9 as data: ${says}`,
    ]);
  });

  it('have separate lines if nodes, policies, reasons or earlier resources differ', () => {
    const taken = (by: string): Finding => ({ ...nothing(0, 'eth7'), code: 'ResourceNameTaken', by });
    const other: Finding = { ...nothing(0, 'eth7'), policy: 'macvtap-cni/q' };
    const lines = findingLines([
      ...on('h1', nothing(0, 'eth7'), nothing(1, 'eth8'), taken('a/b'), taken('a/c'), other),
      ...on('h2', nothing(1, 'eth8')),
    ]);
    assert.deepEqual(
      lines.map((line) => line.replace(/: .*/, '')),
      [
        '  h1  NothingFound  macvtap-cni/p[0] eth7',
        '  h1 and h2  NothingFound  macvtap-cni/p[1] eth8',
        '  h1  ResourceNameTaken  macvtap-cni/p[0] eth7',
        '  h1  ResourceNameTaken  macvtap-cni/p[0] eth7',
        '  h1  NothingFound  macvtap-cni/q[0] eth7',
      ],
    );
  });

  it('are broken at the width of the terminal', () => {
    const text = findingLines(on('h1', nothing(0, 'eth7')), 50).join('\n');
    assert.deepEqual(
      text.split('\n').filter(({ length }) => length > 50),
      [],
    );
    assert.equal(text.replaceAll(/\s+/g, ' '), ` h1 NothingFound macvtap-cni/p[0] eth7: ${says}`);
  });

  it('stay on one line for any interface name', () => {
    assert.match(findingLines(on('h1', nothing(0, 'e\nh2'))).join('\n'), /^[ -~]+$/);
  });
});
