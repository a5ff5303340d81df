// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import { type DecisionCause, decideServed } from './decide-served.ts';
import type { HeldDevice, ServedResource } from './served-resource.ts';

const resource: PlannedResource = {
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
const elsewhere = { ...resource, parent: 'eth2', entry: 1 };
const held: readonly HeldDevice[] = [{ id: 'dataMvp0', resource: 'data', parent: 'eth1' }];
const ifindexes: Readonly<Record<string, number>> = { eth2: 8 };
const gone: Finding = { code: 'NothingFound', source: 'policy', policy: 'ns/p', entry: 0, interface: 'eth1' };

function plan(resources: readonly PlannedResource[], ...skipped: readonly Finding[]): NodePlan {
  return { node: 'n', source: 'policy', resources, skipped, conflicts: [] };
}

function decide(
  planned: NodePlan,
  before: Omit<ServedResource, 'name'> | undefined,
  cause: DecisionCause,
  holding: readonly HeldDevice[] = [],
  leftBehind: readonly HeldDevice[] = [],
) {
  const served = new Map(before === undefined ? [] : [['data', { name: 'data', ...before }]]);
  const parents = { find: (name: string) => ifindexes[name], has: () => true };
  return decideServed(planned, served, cause, holding, parents, leftBehind).get('data');
}

const causes = ['edit', 'links', 'held'] as const;

for (const cause of causes) {
  test(`what the plan has is served as the plan has it (${cause})`, () => {
    const wider = { ...resource, quantity: 5 };
    assert.deepEqual(decide(plan([wider]), { resource }, cause, held), { name: 'data', resource: wider });
  });

  test(`a resource that the plan has and that was draining is served again (${cause})`, () => {
    assert.deepEqual(decide(plan([resource]), { fault: 'Draining' }, cause, held), { name: 'data', resource });
  });
}

test('an edit that drops a resource ends it, or drains it while devices are held', () => {
  assert.equal(decide(plan([]), { resource }, 'edit'), undefined);
  assert.deepEqual(decide(plan([]), { resource }, 'edit', held), { name: 'data', fault: 'Draining' });
});

test('a draining resource stays until the last device is released, whatever happens meanwhile', () => {
  for (const cause of causes) {
    assert.deepEqual(decide(plan([]), { fault: 'Draining' }, cause, held), { name: 'data', fault: 'Draining' });
    assert.equal(decide(plan([]), { fault: 'Draining' }, cause), undefined);
  }
});

test('devices that are held from before a restart are drained when nothing asks for their resource', () => {
  assert.deepEqual(decide(plan([]), undefined, 'edit', held), { name: 'data', fault: 'Draining' });
});

const losses = [
  { title: 'its parent is gone', finding: gone },
  { title: 'its parent was enslaved', finding: { ...gone, code: 'Enslaved', by: 'br0' } },
] as const;

for (const { title, finding } of losses) {
  test(`a resource that only lost its footing stays whole with the plan's reason: ${title}`, () => {
    const expected = { name: 'data', resource, fault: finding.code };
    assert.deepEqual(decide(plan([], finding), { resource }, 'links'), expected);
    assert.deepEqual(decide(plan([], finding), { resource, fault: finding.code }, 'held', held), expected);
  });
}

test("another policy's findings explain nothing", () => {
  const other = { ...gone, code: 'Enslaved', policy: 'ns/other' } as const;
  assert.equal(decide(plan([], other), { resource }, 'links')?.fault, 'NothingFound');
});

test('a resource that is faulty recovers as soon as the plan has it again', () => {
  assert.deepEqual(decide(plan([resource]), { resource, fault: 'NothingFound' }, 'links'), { name: 'data', resource });
});

test('a re-selection without an edit waits until the devices are released', () => {
  const waiting = { name: 'data', resource, fault: 'ParentChanged' } as const;
  assert.deepEqual(decide(plan([elsewhere], gone), { resource }, 'links', held), waiting);
  assert.deepEqual(decide(plan([elsewhere], gone), waiting, 'held', held), waiting);
  assert.deepEqual(decide(plan([elsewhere], gone), waiting, 'held'), { name: 'data', resource: elsewhere });
  assert.deepEqual(decide(plan([elsewhere], gone), { resource }, 'links'), { name: 'data', resource: elsewhere });
});

test('a re-selection that is taken back leaves the resource as it was', () => {
  const waiting = { resource, fault: 'ParentChanged' } as const;
  assert.deepEqual(decide(plan([resource]), waiting, 'links', held), { name: 'data', resource });
});

test('a parent that was renamed is still the same one', () => {
  const renamed: readonly HeldDevice[] = [{ id: 'dataMvp0', resource: 'data', parent: 'eth1', parentIfindex: 8 }];
  assert.deepEqual(decide(plan([elsewhere]), { resource }, 'links', renamed), { name: 'data', resource: elsewhere });
});

test('a device without a link stands where its next one will', () => {
  const onNew: readonly HeldDevice[] = [{ id: 'dataMvp0', resource: 'data', parent: elsewhere.parent }];
  const onOld: readonly HeldDevice[] = [{ id: 'dataMvp0', resource: 'data', parent: resource.parent }];
  const waiting = { name: 'data', resource, fault: 'ParentChanged' } as const;
  assert.deepEqual(decide(plan([elsewhere]), { resource }, 'links', onNew), { name: 'data', resource: elsewhere });
  assert.deepEqual(decide(plan([elsewhere]), { resource }, 'links', onOld), waiting);
});

test('an edit moves the resource at once, held devices or not', () => {
  assert.deepEqual(decide(plan([elsewhere]), { resource }, 'edit', held), { name: 'data', resource: elsewhere });
});

for (const { title, holding, mode, isFree } of [
  { title: 'bridge devices', holding: { resource: 'other', mode: 'bridge' }, mode: 'passthru' },
  { title: 'a passthru device', holding: { resource: 'other', mode: 'passthru' }, mode: 'bridge' },
  { title: 'another passthru device', holding: { resource: 'other', mode: 'passthru' }, mode: 'passthru' },
  { title: 'its own devices of before', holding: { resource: 'data', mode: 'bridge' }, mode: 'passthru' },
  { title: 'its own passthru device', holding: { resource: 'data', mode: 'passthru' }, mode: 'passthru', isFree: true },
  { title: 'bridge devices', holding: { resource: 'other', mode: 'bridge' }, mode: 'private', isFree: true },
] as const) {
  for (const cause of causes) {
    test(`a ${mode} resource whose parent has ${title} gives out ${isFree ? 'its own' : 'none'} (${cause})`, () => {
      const wanted = { ...elsewhere, mode };
      const unmade = { id: `${holding.resource}Mvp0`, parent: 'eth2', ...holding };
      const here = { ...unmade, parentIfindex: 8 };
      const fault = isFree ? {} : { fault: 'PassthruExclusive' };
      const before = { resource: wanted };
      assert.deepEqual(decide(plan([wanted]), before, cause, [here]), { name: 'data', ...before, ...fault });
      assert.deepEqual(decide(plan([wanted]), before, cause, [], [here]), { name: 'data', ...before, ...fault });
      assert.deepEqual(decide(plan([wanted]), before, cause, [unmade]), { name: 'data', ...before, ...fault });
      const away = { ...here, parent: 'eth1', parentIfindex: 7 };
      if (holding.resource === 'other')
        assert.deepEqual(decide(plan([wanted]), before, cause, [away]), { name: 'data', ...before });
    });
  }
}
