// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { PolicySpec } from './rule.ts';
import { warnEveryNode } from './warn-every-node.ts';

const parentSelector = [{ parentIface: 'eth0' }];
const told = (selection: Partial<PolicySpec>, nodes: readonly string[]) =>
  warnEveryNode(policy('p', { parentSelector, ...selection }), {
    others: [],
    nodes: new Map(nodes.map((name) => [name, { name, labels: {} }])),
  });

describe('a policy for every node', () => {
  it('gets a warning with the number of nodes', () => {
    const [verdict, ...others] = told({}, ['h1', 'h2', 'h3']);
    assert.deepEqual(
      [verdict?.code, verdict?.severity, verdict?.path, others],
      ['SelectsEveryNode', 'warn', 'spec.nodeSelector', []],
    );
    assert.match(verdict?.detail ?? '', /\b3 nodes\b/);
    assert.match(told({}, [])[0]?.detail ?? '', /\b0 nodes\b/);
  });

  it('gets a warning even if it has an empty nodeSelector or a namespaceSelector', () => {
    const empty = { matchLabels: {}, matchExpressions: [] };
    assert.equal(told({ nodeSelector: empty }, ['h1']).length, 1);
    assert.equal(told({ namespaceSelector: { matchLabels: { a: 'b' } } }, ['h1']).length, 1);
  });
});

it('a policy with any requirement for its nodes gets no warning', () => {
  const requirement = { key: 'zone', operator: 'Exists' } as const;
  assert.deepEqual(told({ nodeSelector: { matchLabels: { zone: 'a' } } }, ['h1']), []);
  assert.deepEqual(told({ nodeSelector: { matchExpressions: [requirement] } }, ['h1']), []);
  assert.deepEqual(told({ nodeAffinity: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } }, ['h1']), []);
  assert.deepEqual(told({ nodeAffinity: { nodeSelectorTerms: [{}] } }, ['h1']), []);
});

it('an update gets the warning only if it changes the selection to every node', () => {
  const nodes = new Map([['h1', { name: 'h1', labels: {} }]]);
  const after = policy('p', { parentSelector: [{ parentIface: 'eth1' }] });
  const update = (selection: Partial<PolicySpec>) =>
    warnEveryNode(after, { others: [], nodes, earlier: policy('p', { parentSelector, ...selection }) }).length;
  assert.equal(update({}), 0);
  assert.equal(update({ nodeSelector: { matchLabels: {} } }), 0);
  assert.equal(update({ nodeSelector: { matchLabels: { zone: 'a' } } }), 1);
});
