// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import { decideServed } from './decide-served.ts';

const data: PlannedResource = {
  source: 'policy',
  policy: 'ns/p',
  entry: 0,
  name: 'data',
  parent: 'eth1',
  mode: 'bridge',
  quantity: 3,
  numaNodes: [],
  needVhostNet: false,
};

function plan(resources: readonly PlannedResource[], skipped: readonly Finding[] = []): NodePlan {
  return { node: 'n', source: 'policy', resources, skipped, conflicts: [] };
}

const served = new Map([['data', { resource: data }]]);

test('what the plan has is served as the plan has it', () => {
  const wider = { ...data, quantity: 5 };
  for (const cause of ['edit', 'links'] as const) {
    assert.deepEqual([...decideServed(plan([wider]), served, cause)], [['data', { resource: wider }]]);
  }
});

test('an edit that drops a resource ends it', () => {
  assert.equal(decideServed(plan([]), served, 'edit').size, 0);
});

const losses = [
  { title: 'its parent is gone', skipped: { code: 'NothingFound', interface: 'eth1' } },
  { title: 'its parent was enslaved', skipped: { code: 'Enslaved', interface: 'eth1', by: 'br0' } },
] as const;

for (const { title, skipped } of losses) {
  test(`a resource that only lost its footing stays with the plan's reason: ${title}`, () => {
    const finding = { source: 'policy', policy: 'ns/p', entry: 0, ...skipped } as const;
    const next = decideServed(plan([], [finding]), served, 'links');
    assert.deepEqual([...next], [['data', { resource: data, fault: skipped.code }]]);
  });
}

test("another policy's findings explain nothing", () => {
  const finding = { code: 'Enslaved', source: 'policy', policy: 'ns/other', entry: 0, interface: 'eth1' } as const;
  assert.equal(decideServed(plan([], [finding]), served, 'links').get('data')?.fault, 'NothingFound');
});

test('a resource that is faulty recovers as soon as the plan has it again', () => {
  const faulty = new Map([['data', { resource: data, fault: 'NothingFound' as const }]]);
  assert.deepEqual([...decideServed(plan([data]), faulty, 'links')], [['data', { resource: data }]]);
});
