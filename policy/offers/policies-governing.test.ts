// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entries, policy, policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import type { LabelSelector } from '../nodepolicy/rule.ts';
import type { Labels } from '../plan/match-labels.ts';
import type { PlannedResource } from '../plan/node-plan.ts';
import {
  admits,
  describeRequirements,
  indexGoverning,
  policiesGoverning,
  type RestrictedDevice,
  type Restriction,
  restrictionBy,
  restrictionsOn,
} from './policies-governing.ts';

const governing = (resource: string, ...policies: readonly ReturnType<typeof policy>[]) =>
  policiesGoverning(policies, resource).map(({ id }) => id.replace(/^.*\//, ''));

describe('policiesGoverning', () => {
  it('returns each policy once, in order of precedence', () => {
    const twice = [
      { parentIface: 'eth0', resourceName: 'data' },
      { parentIface: 'eth1', mode: 'vepa', resourceName: 'data' },
    ] as const;
    const late = policy('a', { priority: 50, parentSelector: twice });
    const early = policy('b', { priority: 10, parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] });
    assert.deepEqual(governing('data', late, early), ['b', 'a']);
    assert.deepEqual(governing('other', late, early), []);
  });

  it('uses the resourceName of the policy instead of its interface names', () => {
    const central = policy('p', { resourceName: 'data', parentSelector: [{ parentIface: 'eth0' }] });
    assert.deepEqual(governing('data', central), ['p']);
    assert.deepEqual(governing('eth0', central), []);
  });

  it('uses the names that an entry without a resource name can produce', () => {
    const named = policy('named', { parentSelector: [{ parentIface: 'eth0' }] });
    const selecting = policy('selecting', { parentSelector: [{ nicSelector: { names: ['eth*'] } }] });
    const open = policy('open', { parentSelector: [{ nicSelector: { drivers: ['ixgbe'] } }] });
    assert.deepEqual(governing('eth0', named, selecting, open), ['named', 'selecting']);
    assert.deepEqual(governing('eth1', named, selecting, open), ['selecting']);
  });

  it('includes the names of VLANs that an entry without a resource name can produce', () => {
    const named = policy('named', { parentSelector: [{ parentIface: 'eth0', vlan: 100 }] });
    const selecting = policy('selecting', { parentSelector: [{ nicSelector: { names: ['eth?'] }, vlan: 100 }] });
    assert.deepEqual(governing('eth0.100', named, selecting), ['named', 'selecting']);
    assert.deepEqual(governing('eth1.100', named, selecting), ['selecting']);
    for (const name of ['eth0', 'eth0.1000', 'eth0.200']) assert.deepEqual(governing(name, named, selecting), []);
  });

  it('ignores excluded names, unless the exclusion also depends on other fields', () => {
    const byName = policy('p', {
      parentSelector: [{ nicSelector: { names: ['eth*'], exclude: { names: ['eth0'] } } }],
    });
    const byBoth = policy('q', {
      parentSelector: [{ nicSelector: { names: ['eth*'], exclude: { names: ['eth0'], drivers: ['veth'] } } }],
    });
    assert.deepEqual(governing('eth0', byName, byBoth), ['q']);
  });
});

describe('indexGoverning', () => {
  const named = policy('named', { priority: 20, parentSelector: [{ parentIface: 'eth0' }] });
  const globs = policy('globs', { priority: 10, parentSelector: [{ nicSelector: { names: ['eth*'] } }] });
  const drivers = policy('drivers', { parentSelector: [{ nicSelector: { drivers: ['ixgbe'] } }] });
  const data = policy('data', { parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] });
  const faulty = entries({ parentIface: 'eth0', nicSelector: {} });
  const all = [named, globs, drivers, data, faulty];

  it('returns the same policies as policiesGoverning', () => {
    const index = indexGoverning(all);
    for (const name of ['eth0', 'eth1', 'data', 'other', '']) {
      assert.deepEqual(index.of(name), policiesGoverning(all, name), name);
    }
  });

  it('lists the written names, and the policies that select interfaces without a resource name', () => {
    const { names, selecting, compared } = indexGoverning(all);
    assert.deepEqual([names, selecting, compared], [['data', 'eth0'], [globs, drivers], 1]);
  });

  it('can be restricted to some of the policies', () => {
    const index = indexGoverning(all);
    for (const without of all) {
      const some = index.where(({ id }) => id !== without.id);
      const same = indexGoverning(all.filter(({ id }) => id !== without.id));
      assert.equal(some.compared, same.compared);
      for (const name of ['eth0', 'eth1', 'data', 'other']) assert.deepEqual(some.of(name), same.of(name), name);
    }
  });
});

const teamA = { namespaceSelector: { matchLabels: { team: 'a' } } };
const requiresA = [{ key: 'team', operator: 'In', values: ['a'] }] as const;
const data = [{ parentIface: 'eth0', resourceName: 'data' }] as const;
const moved = [{ parentIface: 'eth1', resourceName: 'data' }] as const;
const device: RestrictedDevice = { resource: 'data', parent: 'eth0' };

function planned(name: string, parent = 'eth0'): PlannedResource {
  const rest = { mode: 'bridge', quantity: 1, numaNodes: [], needVhostNet: false } as const;
  return { source: 'policy', policy: `${policyNamespace}/${name}`, name: 'data', parent, ...rest };
}

const of = (name: string, namespaces: Restriction['namespaces'] = requiresA): Restriction => ({
  policy: `${policyNamespace}/${name}`,
  namespaces,
});

describe('restrictionsOn', () => {
  const open = policy('open', { parentSelector: data });
  const byName = policy('by-name', { ...teamA, parentSelector: data });
  const byDriver = policy('by-driver', { ...teamA, parentSelector: [{ nicSelector: { drivers: ['ixgbe'] } }] });

  it('is empty if no policy with a namespaceSelector concerns the resource', () => {
    assert.deepEqual(restrictionsOn(device, { policies: [open], planned: planned('open') }), []);
    const other = policy('other', { ...teamA, parentSelector: [{ parentIface: 'eth1' }] });
    assert.deepEqual(restrictionsOn(device, { policies: [open, other], planned: planned('open') }), []);
  });

  it('contains the policies that name the resource, even if this node does not use them', () => {
    for (const plan of [undefined, planned('open'), planned('by-name')])
      assert.deepEqual(restrictionsOn(device, { policies: [open, byName], planned: plan }), [of('by-name')]);
  });

  it('contains the policy that offers the resource on this node under a name that only the node knows', () => {
    assert.deepEqual(restrictionsOn(device, { policies: [open, byDriver], planned: planned('by-driver') }), [
      of('by-driver'),
    ]);
    assert.deepEqual(restrictionsOn(device, { policies: [open, byDriver], planned: planned('open') }), []);
  });

  describe('of a device that was allocated under a restriction', () => {
    const then = of('by-name', [{ key: 'team', operator: 'In', values: ['z'] }]);
    const held = { ...device, restriction: then };

    it('uses the edited selector', () => {
      assert.deepEqual(restrictionsOn(held, { policies: [byName], planned: planned('by-name') }), [of('by-name')]);
    });

    it('is empty if the selector was removed', () => {
      const opened = policy('by-name', { parentSelector: data });
      assert.deepEqual(restrictionsOn(held, { policies: [opened], planned: planned('by-name') }), []);
    });

    for (const [edit, policies, plan] of [
      ['was deleted', [], undefined],
      ['was deleted, but the plan still names it', [], planned('by-name')],
      ['gave the resource another name', [policy('by-name', { parentSelector: [{ parentIface: 'eth0' }] })], undefined],
      [
        'offers the resource on another parent',
        [policy('by-name', { parentSelector: moved })],
        planned('by-name', 'eth1'),
      ],
      ['lost the resource to a policy that admits every namespace', [open], planned('open')],
    ] as const) {
      it(`still has the selector from allocation if the policy ${edit}`, () => {
        assert.deepEqual(restrictionsOn(held, { policies, planned: plan }), [then]);
      });
    }
  });
});

describe('restrictionBy', () => {
  it('is undefined for a policy that admits every namespace', () => {
    assert.equal(restrictionBy(policy('p', { parentSelector: data })), undefined);
    assert.equal(restrictionBy(policy('p', { namespaceSelector: {}, parentSelector: data })), undefined);
    assert.deepEqual(restrictionBy(policy('p', { ...teamA, parentSelector: data })), of('p'));
  });
});

const vms: LabelSelector = { matchLabels: { vms: true } };
const notDev: LabelSelector = { matchExpressions: [{ key: 'stage', operator: 'NotIn', values: ['dev'] }] };
const cases: readonly [string, LabelSelector | undefined, Labels | undefined, boolean][] = [
  ['a policy without a selector admits all', undefined, { a: 'b' }, true],
  ['an empty selector admits all', {}, {}, true],
  ['a policy without a selector admits an unknown namespace', undefined, undefined, true],
  ['a required label admits the namespace', vms, { vms: 'true' }, true],
  ['a label with another value does not admit the namespace', vms, { vms: 'false' }, false],
  ['a namespace without the required label is not admitted', vms, {}, false],
  ['a selector never admits an unknown namespace', notDev, undefined, false],
  ['NotIn admits a namespace without the label', notDev, {}, true],
];

describe('namespaceSelector', () => {
  for (const [title, namespaceSelector, labels, expected] of cases) {
    it(title, () => {
      const selector = namespaceSelector === undefined ? {} : { namespaceSelector };
      assert.equal(admits(policy('p', { parentSelector: [{ parentIface: 'eth0' }], ...selector }), labels), expected);
    });
  }
});

it('describeRequirements formats a selector in the syntax of kubectl', () => {
  const text = describeRequirements([
    { key: 'vms', operator: 'In', values: ['true'] },
    { key: 'team', operator: 'In', values: ['a', 'b'] },
    { key: 'stage', operator: 'NotIn', values: ['dev'] },
    { key: 'zone', operator: 'NotIn', values: ['x', 'y'] },
    { key: 'owner', operator: 'Exists', values: [] },
    { key: 'legacy', operator: 'DoesNotExist', values: [] },
    { key: 'rank', operator: 'Gt', values: ['3'] },
    { key: 'size', operator: 'Lt', values: ['9'] },
  ]);
  assert.equal(text, 'vms=true,team in (a,b),stage!=dev,zone notin (x,y),owner,!legacy,rank>3,size<9');
});
