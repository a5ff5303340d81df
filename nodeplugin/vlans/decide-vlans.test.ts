// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InterfaceFacts, ReportedInterface } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { shortVlanName } from '../../policy/plan/vlan.ts';
import { entries, nic, plan } from '../../test/fixtures/plan/build-example.ts';
import { decideVlans, type VlanDecision } from './decide-vlans.ts';

const bond = nic('bond1', { kind: 'bond', ifindex: 5 });
const managed = { id: 100, protocol: '802.1Q', managed: true } as const;

/** A VLAN with ID 100 on bond1, which the node plugin created. */
function own(name: string, facts: Omit<ReportedInterface, 'name'> = {}): InterfaceFacts {
  return nic(name, { kind: 'vlan', ifindex: 9, lowerIfindex: 5, vlan: managed, ...facts });
}

/** The plan's resources for a policy with VLAN 100 on bond1. */
function wanted(interfaces: readonly InterfaceFacts[]): readonly PlannedResource[] {
  return plan({ interfaces, policies: [entries({ parentIface: 'bond1', vlan: 100 })] }).resources;
}

const nothing: VlanDecision = { create: [], finish: [], change: [], unused: [], present: new Map() };

function decide(
  interfaces: readonly InterfaceFacts[],
  resources = wanted(interfaces),
  inUse: (string | number)[] = [],
) {
  return decideVlans({ interfaces, resources, inUse: new Set(inUse) });
}

describe('a VLAN of the plan', () => {
  const create = { parent: 'bond1.100', lower: 'bond1', lowerIfindex: 5, id: 100, up: true };
  const short = shortVlanName('bond1', 100);

  it('that does not exist is created once, even if several resources use it', () => {
    assert.deepEqual(decide([bond]), { ...nothing, create: [create] });
    const twice = wanted([bond]).flatMap((resource) => [resource, { ...resource, name: 'other' }]);
    assert.deepEqual(decide([bond], twice).create, [create]);
  });

  it('is created down on an interface that is down', () => {
    assert.deepEqual(decide([{ ...bond, up: false }]).create, [{ ...create, up: false }]);
  });

  it('is not created while the interface below it is missing', () => {
    assert.deepEqual(decide([], wanted([bond])), nothing);
  });

  it('that the node plugin created without setting the final name is finished', () => {
    const finish = { parent: 'bond1.100', ifindex: 9, lower: 'bond1', id: 100, up: true };
    assert.deepEqual(decide([bond, own(short)]), { ...nothing, finish: [finish] });
  });

  it('with a long name counts as finished when it has its altname', () => {
    const lower = nic('enp59s0f0np0', { ifindex: 5 });
    const { resources } = plan({ interfaces: [lower], policies: [entries({ parentIface: lower.name, vlan: 100 })] });
    const name = shortVlanName(lower.name, 100);
    assert.equal(decide([lower, own(name)], resources).finish.length, 1);
    assert.deepEqual(decide([lower, own(name, { altNames: [`${lower.name}.100`] })], resources), {
      ...nothing,
      present: new Map([[`${lower.name}.100`, { name, managed: true }]]),
    });
  });

  it('that exists is not changed', () => {
    const present = new Map([['bond1.100', { name: 'bond1.100', managed: true }]]);
    assert.deepEqual(decide([bond, own('bond1.100')]), { ...nothing, present });
  });

  it('that an administrator created is never changed or removed', () => {
    const theirs = nic('storage', {
      ...{ kind: 'vlan', ifindex: 9, lowerIfindex: 5, mtu: 1400, up: false },
      vlan: { id: 100, protocol: '802.1Q' },
    });
    const present = new Map([['bond1.100', { name: 'storage', managed: false }]]);
    assert.deepEqual(decide([bond, theirs]), { ...nothing, present });
    assert.deepEqual(decide([bond, theirs], []), nothing);
  });
});

describe('a VLAN that the node plugin created', () => {
  it('gets each lower or higher MTU of the interface below it', () => {
    for (const mtu of [1400, 9000]) {
      const { change } = decide([{ ...bond, mtu }, own('bond1.100')]);
      assert.deepEqual(change, [{ ifindex: 9, name: 'bond1.100', mtu }]);
    }
  });

  it('is set up if the interface below it is up, and otherwise stays down', () => {
    const down = own('bond1.100', { up: false });
    assert.deepEqual(decide([bond, down]).change, [{ ifindex: 9, name: 'bond1.100', up: true }]);
    assert.deepEqual(decide([{ ...bond, up: false }, down]).change, []);
  });

  it('is unused without a resource, even if it was not finished', () => {
    assert.deepEqual(decide([bond, own('bond1.100')], []).unused, [{ name: 'bond1.100', ifindex: 9 }]);
    assert.deepEqual(decide([bond, own(shortVlanName('bond1', 100))], []).unused.length, 1);
    assert.deepEqual(decide([own('bond1.100')], []).unused.length, 1);
  });

  const uses: readonly { why: string; interfaces: readonly InterfaceFacts[]; inUse?: (string | number)[] }[] = [
    { why: 'a device has it as its parent, by name', interfaces: [own('bond1.100')], inUse: ['bond1.100'] },
    { why: 'a device has it as its parent, by index', interfaces: [own('renamed')], inUse: [9] },
    { why: 'it has an address', interfaces: [own('bond1.100', { addresses: ['192.0.2.1/24'] })] },
    { why: 'it has the default route', interfaces: [own('bond1.100', { defaultRoute: true })] },
    { why: 'it is in a bridge', interfaces: [own('bond1.100', { master: { name: 'br0', kind: 'bridge' } })] },
    { why: 'a macvtap is on it', interfaces: [own('bond1.100'), nic('m', { kind: 'macvtap', lowerIfindex: 9 })] },
  ];
  for (const { why, interfaces, inUse = [] } of uses) {
    it(`is in use if ${why}`, () => assert.deepEqual(decide([bond, ...interfaces], [], inUse).unused, []));
  }

  it('is in use if an entry without vlan names it', () => {
    const interfaces = [bond, own('bond1.100')];
    const { resources } = plan({ interfaces, policies: [entries({ parentIface: 'bond1.100' })] });
    assert.deepEqual(decide(interfaces, resources).unused, []);
  });
});
