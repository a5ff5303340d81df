// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, entries, nic, plan, policy, told } from '../../test/fixtures/plan/build-example.ts';
import type { InterfaceFacts, ReportedInterface } from './interfaces.ts';
import { isShortVlanName, namedParent, shortVlanName, vlanLinkNames } from './vlan.ts';

const bond = nic('bond1', { kind: 'bond', ifindex: 5 });

/** A VLAN with ID 100 on bond1. */
function vlan(name: string, facts: Partial<NonNullable<ReportedInterface['vlan']>> = {}): InterfaceFacts {
  return nic(name, { kind: 'vlan', ifindex: 9, lowerIfindex: 5, vlan: { id: 100, protocol: '802.1Q', ...facts } });
}

const tenant = entries({ parentIface: 'bond1', vlan: 100 });

describe('an entry with a VLAN', () => {
  it('has the parent that the node plugin will create, and a resource of the same name', () => {
    const made = plan({ interfaces: [bond], policies: [tenant] });
    assert.deepEqual(brief(made), ['bond1.100=bond1.100/bridge/100']);
    assert.deepEqual(made.resources[0]?.vlan, { lower: 'bond1', id: 100 });
  });

  it('makes the same plan before and after the node plugin has created the VLAN', () => {
    const before = plan({ interfaces: [bond], policies: [tenant] });
    assert.deepEqual(plan({ interfaces: [bond, vlan('bond1.100', { managed: true })], policies: [tenant] }), before);
    // The node plugin was killed before it gave the VLAN its name.
    const unfinished = vlan(shortVlanName('bond1', 100), { managed: true });
    assert.deepEqual(plan({ interfaces: [bond, unfinished], policies: [tenant] }), before);
  });

  it("uses an administrator's VLAN, whatever its name is", () => {
    const made = plan({ interfaces: [bond, vlan('storage')], policies: [tenant] });
    assert.deepEqual(brief(made), ['bond1.100=storage/bridge/100']);
  });

  it('makes two resources of two VLANs on one bond', () => {
    const two = entries(
      { parentIface: 'bond1', vlan: 100, resourceName: 'blue' },
      { parentIface: 'bond1', vlan: 200, mode: 'passthru' },
    );
    assert.deepEqual(brief(plan({ interfaces: [bond], policies: [two] })), [
      'blue=bond1.100/bridge/100',
      'bond1.200=bond1.200/passthru/1',
    ]);
  });

  it('has the NUMA nodes of the interface below the VLAN', () => {
    const member = nic('eth0', { master: { name: 'bond1', kind: 'bond' }, numaNode: 1 });
    assert.deepEqual(plan({ interfaces: [bond, member], policies: [tenant] }).resources[0]?.numaNodes, [1]);
  });

  it('selects NICs and not their VLANs, and no selector finds a VLAN that the node plugin made', () => {
    const interfaces = [bond, vlan('bond1.100', { managed: true }), vlan('bond1.300', { id: 300 })];
    const nicSelector = { names: ['bond*'] };
    assert.deepEqual(brief(plan({ interfaces, policies: [entries({ nicSelector, vlan: 100 })] })), [
      'bond1.100=bond1.100/bridge/100',
    ]);
    assert.deepEqual(brief(plan({ interfaces, policies: [entries({ nicSelector })] })), [
      'bond1=bond1/bridge/100',
      'bond1.300=bond1.300/bridge/100',
    ]);
  });

  it('finds a VLAN that the node plugin made if another entry names it', () => {
    const interfaces = [bond, vlan('bond1.100', { managed: true })];
    assert.deepEqual(brief(plan({ interfaces, policies: [entries({ parentIface: 'bond1.100' })] })), [
      'bond1.100=bond1.100/bridge/100',
    ]);
  });
});

describe('an interface that cannot have the VLAN is reported with its code', () => {
  const table: readonly { why: string; interfaces: readonly InterfaceFacts[]; told: string; by?: string }[] = [
    { why: 'it is a VLAN', interfaces: [nic('bond1', { kind: 'vlan' })], told: 'VlanOnVlan bond1' },
    { why: 'it is a macvtap', interfaces: [nic('bond1', { kind: 'macvtap' })], told: 'MacvtapOrMacvlan bond1' },
    {
      why: 'it is enslaved',
      interfaces: [nic('bond1', { master: { name: 'br0', kind: 'bridge' } })],
      told: 'Enslaved bond1',
      by: 'br0',
    },
    {
      why: 'it has the ID with protocol 802.1ad',
      interfaces: [bond, vlan('provider', { protocol: '802.1ad' })],
      told: 'VlanProtocol bond1',
      by: 'provider',
    },
    {
      why: 'another link has the name',
      interfaces: [bond, nic('eth7', { altNames: ['bond1.100'] })],
      told: 'VlanNameTaken bond1',
      by: 'eth7',
    },
    {
      why: 'its VLAN is enslaved',
      interfaces: [bond, { ...vlan('bond1.100'), master: { name: 'br0', kind: 'bridge' } }],
      told: 'Enslaved bond1.100',
      by: 'br0',
    },
    { why: 'it is not there', interfaces: [nic('eth0')], told: 'NothingFound bond1' },
  ];
  for (const { why, interfaces, told: code, by } of table) {
    it(`because ${why}`, () => {
      const { resources, skipped } = plan({ interfaces, policies: [tenant] });
      assert.deepEqual(resources, []);
      assert.deepEqual(told(skipped), [code]);
      assert.deepEqual([skipped[0]?.resource, skipped[0]?.by], ['bond1.100', by]);
    });
  }

  it('but an 802.1Q VLAN beside an 802.1ad one of the same ID is used', () => {
    const interfaces = [bond, vlan('aa', { protocol: '802.1ad' }), vlan('zz')];
    assert.deepEqual(brief(plan({ interfaces, policies: [tenant] })), ['bond1.100=zz/bridge/100']);
  });
});

describe('one VLAN that two policies ask for with different settings', () => {
  const of = (name: string, entry: object) =>
    policy(name, { parentSelector: [{ parentIface: 'bond1', vlan: 100, ...entry }] });

  it('under one resource name goes to the first policy', () => {
    const { conflicts, ...made } = plan({ interfaces: [bond], policies: [of('b', { mode: 'vepa' }), of('a', {})] });
    assert.deepEqual(brief({ conflicts, ...made }), ['bond1.100=bond1.100/bridge/100']);
    assert.deepEqual(
      conflicts.map(({ code, policy: loser, by }) => [code, loser, by]),
      [['ResourceNameTaken', 'macvtap-cni/b', 'macvtap-cni/a']],
    );
  });

  it('under two names is shared, unless one of them is passthru', () => {
    const policies = [of('a', { resourceName: 'x' }), of('b', { resourceName: 'y', mode: 'vepa' })];
    assert.deepEqual(brief(plan({ interfaces: [bond], policies })), ['x=bond1.100/bridge/100', 'y=bond1.100/vepa/100']);
    const exclusive = [of('a', { resourceName: 'x' }), of('b', { resourceName: 'y', mode: 'passthru' })];
    assert.deepEqual(told(plan({ interfaces: [bond], policies: exclusive }).conflicts), [
      'PassthruExclusive bond1.100',
    ]);
  });
});

describe('the name of a VLAN', () => {
  it('with more than 15 bytes is an altname, and the link has a short name that depends on it only', () => {
    assert.deepEqual(vlanLinkNames('enp59s0f0', 4094), { name: 'enp59s0f0.4094' });
    const long = vlanLinkNames('enp59s0f0np0', 100);
    assert.deepEqual(long, { name: shortVlanName('enp59s0f0np0', 100), altName: 'enp59s0f0np0.100' });
    assert.ok(isShortVlanName(long.name) && long.name.length === 15, long.name);
    assert.notEqual(shortVlanName('enp59s0f0np0', 101), long.name);
    assert.equal(vlanLinkNames('üüüüüü', 100).altName, 'üüüüüü.100');
  });

  it('keeps its resource name if the link has a short one, also after it was created', () => {
    const lower = nic('enp59s0f0np0', { ifindex: 5 });
    const policies = [entries({ parentIface: 'enp59s0f0np0', vlan: 100 })];
    const short = shortVlanName('enp59s0f0np0', 100);
    const made = plan({ interfaces: [lower], policies });
    assert.deepEqual(brief(made), [`enp59s0f0np0.100=${short}/bridge/100`]);
    const there = { ...vlan(short, { managed: true }), altNames: ['enp59s0f0np0.100'] };
    assert.deepEqual(plan({ interfaces: [lower, there], policies }), made);
  });

  it('is known for every node if the entry names its interface', () => {
    assert.equal(namedParent({ parent: { name: 'eth1' }, vlan: 7 }), 'eth1.7');
    assert.equal(namedParent({ parent: { name: 'eth1' } }), 'eth1');
    assert.equal(namedParent({ parent: { matcher: {} }, vlan: 7 }), undefined);
  });
});
