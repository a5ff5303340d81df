// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nic } from '../../test/fixtures/plan/build-example.ts';
import { checkSuitability } from './candidate.ts';
import { indexInterfaces, type ReportedInterface } from './interfaces.ts';

const bridge = { resourceName: 'data', mode: 'bridge', allowHostInterface: false } as const;
const passthru = { ...bridge, mode: 'passthru' } as const;

type Facts = Omit<ReportedInterface, 'name'>;
const table: readonly { facts: Facts; use?: Parameters<typeof checkSuitability>[1]; code?: string; by?: string }[] = [
  { facts: {} },
  { facts: { up: false, carrier: false } },
  { facts: { kind: 'bond' } },
  { facts: { kind: 'veth' } },
  { facts: { kind: 'vlan' } },
  { facts: { kind: 'bridge' } },
  { facts: { loopback: true }, code: 'Loopback' },
  { facts: { loopback: true, ethernet: false }, code: 'Loopback' },
  { facts: { ethernet: false }, code: 'NotEthernet' },
  { facts: { kind: 'macvtap' }, code: 'MacvtapOrMacvlan' },
  { facts: { kind: 'macvlan' }, code: 'MacvtapOrMacvlan' },
  ...['bond', 'team', 'bridge', 'openvswitch'].map((kind) => ({
    facts: { master: { name: 'upper0', kind } },
    code: 'Enslaved',
    by: 'upper0',
  })),
  { facts: { master: { name: 'blue', kind: 'vrf' } } },
  { facts: {}, use: { ...bridge, resourceName: 'eth0:1' }, code: 'IllegalResourceName' },
  { facts: {}, use: { ...bridge, resourceName: '' }, code: 'IllegalResourceName' },
  { facts: {}, use: passthru },
  { facts: { addresses: [] }, use: passthru },
  { facts: { addresses: ['192.0.2.1/24'] }, use: passthru, code: 'CarriesNodeTraffic' },
  { facts: { defaultRoute: true }, use: passthru, code: 'CarriesNodeTraffic' },
  { facts: { defaultRoute: true }, use: { ...passthru, allowHostInterface: true } },
  { facts: { defaultRoute: true }, use: bridge },
  { facts: { addresses: ['192.0.2.1/24'] }, use: { ...bridge, mode: 'vepa' } },
];

describe('an interface', () => {
  for (const { facts, use = bridge, code, by } of table) {
    it(`${JSON.stringify(facts)} as ${use.mode} "${use.resourceName}" ${code ?? 'is suitable'}`, () => {
      const subject = nic('eth0', facts);
      const answer = checkSuitability(subject, use, indexInterfaces([subject]));
      assert.deepEqual(answer, code === undefined ? undefined : { code, ...(by !== undefined && { by }) });
    });
  }
});

describe('the traffic of the node', () => {
  const eth0 = nic('eth0', { ifindex: 2 });
  const code = (...above: readonly ReturnType<typeof nic>[]) =>
    checkSuitability(eth0, passthru, indexInterfaces([eth0, ...above]))?.code;

  it('includes the traffic of all links on top of the interface, directly or indirectly', () => {
    const vlan = nic('eth0.5', { kind: 'vlan', ifindex: 3, lowerIfindex: 2 });
    assert.equal(code(vlan), undefined);
    assert.equal(code({ ...vlan, addresses: ['192.0.2.1/24'] }), 'CarriesNodeTraffic');
    assert.equal(
      code(vlan, nic('q', { kind: 'vlan', ifindex: 4, lowerIfindex: 3, defaultRoute: true })),
      'CarriesNodeTraffic',
    );
    assert.equal(code(nic('eth1', { ifindex: 9, addresses: ['192.0.2.1/24'] })), undefined);
  });

  it('does not include the traffic of macvtaps that kube-macvtap created', () => {
    const link = nic('mvt0123456789ab', { kind: 'macvtap', lowerIfindex: 2, addresses: ['2001:db8::1/64'] });
    assert.equal(code(link), undefined);
    assert.equal(code({ ...link, name: 'tap0' }), 'CarriesNodeTraffic');
  });

  it('is searched for without an endless loop if two links are on top of each other', () => {
    const loop = [nic('a', { ifindex: 3, lowerIfindex: 2 }), nic('b', { ifindex: 2, lowerIfindex: 3 })];
    assert.equal(code(...loop), undefined);
  });
});
