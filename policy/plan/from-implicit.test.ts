// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, exposeAll, nic, plan, told } from '../../test/fixtures/plan/build-example.ts';
import { compileGlob } from './match-nic.ts';

const interfaces = [
  nic('lo', { loopback: true, ethernet: false }),
  nic('eth10'),
  nic('eth2'),
  nic('bond1', { kind: 'bond' }),
  nic('ens1', { master: { name: 'bond1', kind: 'bond' } }),
  nic('veth0', { kind: 'veth' }),
  nic('eth2.100', { kind: 'vlan' }),
  nic('br0', { kind: 'bridge' }),
  nic('tun0', { kind: 'tun', ethernet: false }),
  nic('mv0', { kind: 'macvlan' }),
  nic('mvt0123456789ab', { kind: 'macvtap' }),
  nic('usb@0'),
];

describe('implicit exposure', () => {
  it('exposes each suitable interface under its own name, as bridge, with 100 devices', () => {
    const answer = plan({ interfaces });
    assert.equal(answer.source, 'implicit');
    assert.deepEqual(brief(answer), ['bond1=bond1/bridge/100', 'eth2=eth2/bridge/100', 'eth10=eth10/bridge/100']);
  });

  it('reports all other interfaces with their code, except macvtaps that kube-macvtap created', () => {
    assert.deepEqual(told(plan({ interfaces }).skipped), [
      'KindNotExposed br0',
      'Enslaved ens1',
      'KindNotExposed eth2.100',
      'Loopback lo',
      'MacvtapOrMacvlan mv0',
      'NotEthernet tun0',
      'IllegalResourceName usb@0',
      'KindNotExposed veth0',
    ]);
  });

  it('does not expose a VRF port, which only a policy may expose', () => {
    const port = nic('eth0', { master: { name: 'red', kind: 'vrf' } });
    assert.deepEqual(told(plan({ interfaces: [port] }).skipped), ['Enslaved eth0']);
  });

  it('exposes only the kinds in linkKinds', () => {
    const implicit = { linkKinds: ['veth'], exclude: [] };
    assert.deepEqual(brief(plan({ interfaces, implicit })), ['veth0=veth0/bridge/100']);
  });

  it('does not expose interfaces whose name or altname is excluded', () => {
    const implicit = {
      ...exposeAll,
      exclude: [compileGlob('eth1*'), compileGlob('lan')].filter((glob) => 'matches' in glob),
    };
    const answer = plan({ interfaces: [nic('eth10'), nic('eth2', { altNames: ['lan'] }), nic('eth3')], implicit });
    assert.deepEqual(brief(answer), ['eth3=eth3/bridge/100']);
    assert.deepEqual(told(answer.skipped), ['ExcludedByName eth2', 'ExcludedByName eth10']);
  });

  it('exposes nothing if it is disabled', () => {
    const answer = plan({ interfaces, implicit: undefined });
    assert.deepEqual([answer.source, answer.resources, answer.skipped], ['none', [], []]);
  });

  it('exposes interfaces that carry the traffic of the node, since mode bridge shares them', () => {
    assert.deepEqual(brief(plan({ interfaces: [nic('eth0', { defaultRoute: true })] })), ['eth0=eth0/bridge/100']);
  });
});
