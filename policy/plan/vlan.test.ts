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
  it('uses a VLAN that the node plugin will create, and its resource has the same name', () => {
    const made = plan({ interfaces: [bond], policies: [tenant] });
    assert.deepEqual(brief(made), ['bond1.100=bond1.100/bridge/100']);
    assert.deepEqual(made.resources[0]?.vlan, { lower: 'bond1', id: 100 });
  });

  it('leads to the same plan before and after the node plugin creates the VLAN', () => {
    const before = plan({ interfaces: [bond], policies: [tenant] });
    assert.deepEqual(plan({ interfaces: [bond, vlan('bond1.100', { managed: true })], policies: [tenant] }), before);
    // The node plugin was killed before it set the final name.
    const unfinished = vlan(shortVlanName('bond1', 100), { managed: true });
    assert.deepEqual(plan({ interfaces: [bond, unfinished], policies: [tenant] }), before);
  });

  it('uses a VLAN that an administrator created, with any name', () => {
    const made = plan({ interfaces: [bond, vlan('storage')], policies: [tenant] });
    assert.deepEqual(brief(made), ['bond1.100=storage/bridge/100']);
  });

  it('can use two VLANs of one bond as two resources', () => {
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

  it('selects NICs but not their VLANs, and no selector matches a VLAN that the node plugin created', () => {
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

  it('without vlan can name a VLAN that the node plugin created', () => {
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
      why: 'it is a port of a bridge',
      interfaces: [nic('bond1', { master: { name: 'br0', kind: 'bridge' } })],
      told: 'Enslaved bond1',
      by: 'br0',
    },
    {
      why: 'its VLAN with this ID has protocol 802.1ad',
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
      why: 'its VLAN is a port of a bridge',
      interfaces: [bond, { ...vlan('bond1.100'), master: { name: 'br0', kind: 'bridge' } }],
      told: 'Enslaved bond1.100',
      by: 'br0',
    },
    { why: 'it does not exist', interfaces: [nic('eth0')], told: 'NothingFound bond1' },
  ];
  for (const { why, interfaces, told: code, by } of table) {
    it(`because ${why}`, () => {
      const { resources, skipped } = plan({ interfaces, policies: [tenant] });
      assert.deepEqual(resources, []);
      assert.deepEqual(told(skipped), [code]);
      assert.deepEqual([skipped[0]?.resource, skipped[0]?.by], ['bond1.100', by]);
    });
  }

  it('but an 802.1Q VLAN is used even if an 802.1ad VLAN has the same ID', () => {
    const interfaces = [bond, vlan('aa', { protocol: '802.1ad' }), vlan('zz')];
    assert.deepEqual(brief(plan({ interfaces, policies: [tenant] })), ['bond1.100=zz/bridge/100']);
  });
});

describe('one VLAN in two policies with different settings', () => {
  const of = (name: string, entry: object) =>
    policy(name, { parentSelector: [{ parentIface: 'bond1', vlan: 100, ...entry }] });

  it('with one resource name belongs to the first policy', () => {
    const { conflicts, ...made } = plan({ interfaces: [bond], policies: [of('b', { mode: 'vepa' }), of('a', {})] });
    assert.deepEqual(brief({ conflicts, ...made }), ['bond1.100=bond1.100/bridge/100']);
    assert.deepEqual(
      conflicts.map(({ code, policy: loser, by }) => [code, loser, by]),
      [['ResourceNameTaken', 'macvtap-cni/b', 'macvtap-cni/a']],
    );
  });

  it('with two resource names is shared, unless one of the resources is passthru', () => {
    const policies = [of('a', { resourceName: 'x' }), of('b', { resourceName: 'y', mode: 'vepa' })];
    assert.deepEqual(brief(plan({ interfaces: [bond], policies })), ['x=bond1.100/bridge/100', 'y=bond1.100/vepa/100']);
    const exclusive = [of('a', { resourceName: 'x' }), of('b', { resourceName: 'y', mode: 'passthru' })];
    assert.deepEqual(told(plan({ interfaces: [bond], policies: exclusive }).conflicts), [
      'PassthruExclusive bond1.100',
    ]);
  });
});

describe('the name of a VLAN', () => {
  it('becomes an altname if it has more than 15 bytes, and the link gets a short name that depends only on it', () => {
    assert.deepEqual(vlanLinkNames('enp59s0f0', 4094), { name: 'enp59s0f0.4094' });
    const long = vlanLinkNames('enp59s0f0np0', 100);
    assert.deepEqual(long, { name: shortVlanName('enp59s0f0np0', 100), altName: 'enp59s0f0np0.100' });
    assert.ok(isShortVlanName(long.name) && long.name.length === 15, long.name);
    assert.notEqual(shortVlanName('enp59s0f0np0', 101), long.name);
    assert.equal(vlanLinkNames('üüüüüü', 100).altName, 'üüüüüü.100');
  });

  it('is also the name of the resource if the link has a short name, before and after the VLAN exists', () => {
    const lower = nic('enp59s0f0np0', { ifindex: 5 });
    const policies = [entries({ parentIface: 'enp59s0f0np0', vlan: 100 })];
    const short = shortVlanName('enp59s0f0np0', 100);
    const made = plan({ interfaces: [lower], policies });
    assert.deepEqual(brief(made), [`enp59s0f0np0.100=${short}/bridge/100`]);
    const there = { ...vlan(short, { managed: true }), altNames: ['enp59s0f0np0.100'] };
    assert.deepEqual(plan({ interfaces: [lower, there], policies }), made);
  });

  it('is the same on every node if the entry names the interface', () => {
    assert.equal(namedParent({ parent: { name: 'eth1' }, vlan: 7 }), 'eth1.7');
    assert.equal(namedParent({ parent: { name: 'eth1' } }), 'eth1');
    assert.equal(namedParent({ parent: { matcher: {} }, vlan: 7 }), undefined);
  });
});
