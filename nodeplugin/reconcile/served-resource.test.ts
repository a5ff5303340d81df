// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding, NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import {
  type DecisionCause,
  decideServed,
  type HeldDevice,
  listDevices,
  type ParentLookup,
  type ServedResource,
} from './served-resource.ts';

const resource: PlannedResource = {
  source: 'implicit',
  name: 'net',
  parent: 'eth1',
  mode: 'bridge',
  quantity: 2,
  numaNodes: [1],
  needVhostNet: false,
};

function held(index: number, parent?: string, parentIfindex?: number): HeldDevice {
  const known = { ...(parent !== undefined && { parent }), ...(parentIfindex !== undefined && { parentIfindex }) };
  return { id: `netMvp${index}`, resource: 'net', ...known };
}

function list(served: Omit<ServedResource, 'name'>, holding: readonly HeldDevice[] = [], there = ['eth1', 'eth2']) {
  const devices = listDevices({ name: 'net', ...served }, holding, {
    find: (parent) => (there.includes(parent) ? 7 : undefined),
    nameOf: (ifindex) => (ifindex === 7 ? 'eth1' : undefined),
  });
  return devices.map(({ id, healthy }) => `${id}${healthy ? '' : '!'}`);
}

const cases = [
  { title: 'all devices of a healthy resource', got: list({ resource }), want: ['netMvp0', 'netMvp1'] },
  {
    title: 'held devices beyond a lowered quantity',
    got: list({ resource }, [held(10, 'eth1'), held(3, 'eth1')]),
    want: ['netMvp0', 'netMvp1', 'netMvp3', 'netMvp10'],
  },
  {
    title: 'an error: all devices are Unhealthy',
    got: list({ resource, fault: 'NothingFound' }, [held(0, 'eth1')], []),
    want: ['netMvp0!', 'netMvp1!'],
  },
  {
    title: 'a moved parent: free devices are Unhealthy, and the held one keeps its parent',
    got: list({ resource, fault: 'ParentChanged' }, [held(0, 'eth1')]),
    want: ['netMvp0', 'netMvp1!'],
  },
  {
    title: 'an edited parent: new devices use it, and the held one keeps its parent',
    got: list({ resource }, [held(0, 'eth2')]),
    want: ['netMvp0', 'netMvp1'],
  },
  {
    title: 'an edited parent, and the old one gone',
    got: list({ resource }, [held(0, 'eth2')], ['eth1']),
    want: ['netMvp0!', 'netMvp1'],
  },
  {
    title: 'a recreated parent: the devices on the old one are gone',
    got: list({ resource }, [held(0, 'eth1', 6), held(1, 'eth1', 7)]),
    want: ['netMvp0!', 'netMvp1'],
  },
  {
    title: 'a link that was deleted under its parent',
    got: list({ resource }, [{ ...held(0, 'eth1', 7), isLinkLost: true }]),
    want: ['netMvp0!', 'netMvp1'],
  },
  {
    title: 'a renamed parent: the devices on it remain',
    got: list({ resource: { ...resource, parent: 'eth2' } }, [held(0, 'eth9', 7)]),
    want: ['netMvp0', 'netMvp1'],
  },
  { title: 'draining', got: list({ fault: 'Draining' }, [held(1, 'eth1')]), want: ['netMvp1'] },
  {
    title: 'draining on a parent that is gone',
    got: list({ fault: 'Draining' }, [held(1, 'eth9')]),
    want: ['netMvp1!'],
  },
  { title: 'draining from an unknown parent', got: list({ fault: 'Draining' }, [held(1)]), want: ['netMvp1'] },
  {
    title: 'devices of another resource',
    got: list({ resource }, [{ id: 'xMvp9', resource: 'x' }]),
    want: ['netMvp0', 'netMvp1'],
  },
];

for (const { title, got, want } of cases) {
  test(`kubelet's list for ${title}`, () => assert.deepEqual(got, want));
}

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
const elsewhere = { ...data, parent: 'eth2', entry: 1 };
const heldOnEth1: readonly HeldDevice[] = [{ id: 'dataMvp0', resource: 'data', parent: 'eth1' }];
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
  releasedDevices: readonly HeldDevice[] = [],
) {
  const served = new Map(before === undefined ? [] : [['data', { name: 'data', ...before }]]);
  const parents = { find: (name: string) => ifindexes[name], nameOf: () => 'eth1' };
  return decideServed(planned, served, cause, holding, parents, releasedDevices).get('data');
}

const causes = ['edit', 'links', 'held'] as const;

for (const cause of causes) {
  test(`a planned resource is served as planned (${cause})`, () => {
    const wider = { ...data, quantity: 5 };
    assert.deepEqual(decide(plan([wider]), { resource: data }, cause, heldOnEth1), { name: 'data', resource: wider });
  });

  test(`a draining resource that is planned again is served again (${cause})`, () => {
    assert.deepEqual(decide(plan([data]), { fault: 'Draining' }, cause, heldOnEth1), { name: 'data', resource: data });
  });
}

test('an edit that removes a resource ends it, or drains it while devices are held', () => {
  assert.equal(decide(plan([]), { resource: data }, 'edit'), undefined);
  assert.deepEqual(decide(plan([]), { resource: data }, 'edit', heldOnEth1), { name: 'data', fault: 'Draining' });
});

test('a draining resource stays until the last device is released, for any cause of a decision', () => {
  for (const cause of causes) {
    assert.deepEqual(decide(plan([]), { fault: 'Draining' }, cause, heldOnEth1), { name: 'data', fault: 'Draining' });
    assert.equal(decide(plan([]), { fault: 'Draining' }, cause), undefined);
  }
});

test('after a restart, held devices of a resource that is not planned are drained', () => {
  assert.deepEqual(decide(plan([]), undefined, 'edit', heldOnEth1), { name: 'data', fault: 'Draining' });
});

const losses = [
  { title: 'its parent is gone', finding: gone },
  { title: 'its parent was enslaved', finding: { ...gone, code: 'Enslaved', by: 'br0' } },
] as const;

for (const { title, finding } of losses) {
  test(`a resource that only lost its parent keeps all devices, with the plan's reason: ${title}`, () => {
    const expected = { name: 'data', resource: data, fault: finding.code };
    assert.deepEqual(decide(plan([], finding), { resource: data }, 'links'), expected);
    assert.deepEqual(decide(plan([], finding), { resource: data, fault: finding.code }, 'held', heldOnEth1), expected);
  });
}

test("findings of another policy are not the resource's reason", () => {
  const other = { ...gone, code: 'Enslaved', policy: 'ns/other' } as const;
  assert.equal(decide(plan([], other), { resource: data }, 'links')?.fault, 'NothingFound');
});

test('a resource with an error recovers as soon as it is planned again', () => {
  assert.deepEqual(decide(plan([data]), { resource: data, fault: 'NothingFound' }, 'links'), {
    name: 'data',
    resource: data,
  });
});

test('another parent that is selected without an edit is used only after the devices are released', () => {
  const waiting = { name: 'data', resource: data, fault: 'ParentChanged' } as const;
  assert.deepEqual(decide(plan([elsewhere], gone), { resource: data }, 'links', heldOnEth1), waiting);
  assert.deepEqual(decide(plan([elsewhere], gone), waiting, 'held', heldOnEth1), waiting);
  assert.deepEqual(decide(plan([elsewhere], gone), waiting, 'held'), { name: 'data', resource: elsewhere });
  assert.deepEqual(decide(plan([elsewhere], gone), { resource: data }, 'links'), { name: 'data', resource: elsewhere });
});

test('if the old parent is selected again, the resource stays unchanged', () => {
  const waiting = { resource: data, fault: 'ParentChanged' } as const;
  assert.deepEqual(decide(plan([data]), waiting, 'links', heldOnEth1), { name: 'data', resource: data });
});

test('a parent that was renamed counts as the same parent', () => {
  const renamed: readonly HeldDevice[] = [{ id: 'dataMvp0', resource: 'data', parent: 'eth1', parentIfindex: 8 }];
  assert.deepEqual(decide(plan([elsewhere]), { resource: data }, 'links', renamed), {
    name: 'data',
    resource: elsewhere,
  });
});

test('a device without a link counts as being on the parent of its next link', () => {
  const onNew: readonly HeldDevice[] = [{ id: 'dataMvp0', resource: 'data', parent: elsewhere.parent }];
  const onOld: readonly HeldDevice[] = [{ id: 'dataMvp0', resource: 'data', parent: data.parent }];
  const waiting = { name: 'data', resource: data, fault: 'ParentChanged' } as const;
  assert.deepEqual(decide(plan([elsewhere]), { resource: data }, 'links', onNew), {
    name: 'data',
    resource: elsewhere,
  });
  assert.deepEqual(decide(plan([elsewhere]), { resource: data }, 'links', onOld), waiting);
});

test('an edit moves the resource at once, even while devices are held', () => {
  assert.deepEqual(decide(plan([elsewhere]), { resource: data }, 'edit', heldOnEth1), {
    name: 'data',
    resource: elsewhere,
  });
});

for (const { title, holding, mode, isFree } of [
  { title: 'bridge devices', holding: { resource: 'other', mode: 'bridge' }, mode: 'passthru' },
  { title: 'a passthru device', holding: { resource: 'other', mode: 'passthru' }, mode: 'bridge' },
  { title: 'another passthru device', holding: { resource: 'other', mode: 'passthru' }, mode: 'passthru' },
  { title: 'its own existing devices', holding: { resource: 'data', mode: 'bridge' }, mode: 'passthru' },
  { title: 'its own passthru device', holding: { resource: 'data', mode: 'passthru' }, mode: 'passthru', isFree: true },
  { title: 'bridge devices', holding: { resource: 'other', mode: 'bridge' }, mode: 'private', isFree: true },
] as const) {
  for (const cause of causes) {
    test(`a ${mode} resource whose parent has ${title} is ${isFree ? 'served' : 'excluded'} (${cause})`, () => {
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

test('a resource waits until its VLAN exists, and reports why the VLAN could not be created', () => {
  const onVlan = { ...data, parent: 'eth1.100', vlan: { lower: 'eth1', id: 100 } };
  const decideOn = (parents: Pick<ParentLookup, 'vlanFault'>, there: readonly string[]) => {
    const find = (name: string) => (there.includes(name) ? 9 : undefined);
    return decideServed(plan([onVlan]), new Map(), 'held', [], { find, nameOf: () => 'eth1', ...parents }).get('data')
      ?.fault;
  };
  assert.equal(decideOn({}, ['eth1']), 'VlanMissing');
  assert.equal(
    decideOn({ vlanFault: (name) => (name === 'eth1.100' ? 'VlanUnsupported' : undefined) }, []),
    'VlanUnsupported',
  );
  assert.equal(decideOn({ vlanFault: () => 'VlanFailed' }, ['eth1.100']), undefined);
});
