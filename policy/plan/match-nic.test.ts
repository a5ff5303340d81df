// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, entries, nic, plan } from '../../test/fixtures/plan/build-example.ts';
import type { NicSelector } from '../nodepolicy/rule.ts';

const card = nic('ens2f0', {
  altNames: ['enp59s0f0', 'storage'],
  driver: 'ixgbe',
  pciAddress: '0000:3b:00.0',
  vendorID: '8086',
  deviceID: '15ab',
  macAddress: '02:00:00:00:00:01',
  permanentMACAddress: '52:54:00:AA:bb:01',
  numaNode: 1,
  defaultRoute: false,
});
const uplink = nic('ens3', { driver: 'virtio_net', macAddress: '52:54:00:00:00:02', numaNode: 0, defaultRoute: true });
const virtual = nic('veth0', { kind: 'veth', driver: 'veth' });
const bond = nic('bond1', { kind: 'bond', driver: 'bonding' });
const members = [3, 2].map((numaNode) =>
  nic(`m${numaNode}`, { numaNode, master: { name: 'bond1', kind: 'bond' }, ethernet: false }),
);

const table: readonly [NicSelector, readonly string[]][] = [
  [{ names: ['ens2f0'] }, ['ens2f0']],
  [{ names: ['ens*'] }, ['ens2f0', 'ens3']],
  [{ names: ['ens'] }, []],
  [{ names: ['ens?', 'veth0'] }, ['ens3', 'veth0']],
  [{ names: ['stor*'] }, ['ens2f0']],
  [{ names: ['ENS*'] }, []],
  [{ drivers: ['ixgbe'] }, ['ens2f0']],
  [{ drivers: ['ixgb'] }, []],
  [{ drivers: ['veth', 'virtio_net'] }, ['ens3', 'veth0']],
  [{ pciAddresses: ['0000:3B:00.*'] }, ['ens2f0']],
  [{ pciAddresses: ['*'] }, ['ens2f0']],
  [{ vendorIDs: ['8086'] }, ['ens2f0']],
  [{ vendorIDs: ['0x8086'] }, ['ens2f0']],
  [{ deviceIDs: ['15AB'] }, ['ens2f0']],
  [{ deviceIDs: ['1572'] }, []],
  [{ macAddresses: ['52:54:00:*'] }, ['ens2f0', 'ens3']],
  [{ macAddresses: ['52:54:00:[A-B]*'] }, ['ens2f0']],
  [{ macAddresses: ['02:*'] }, []],
  [{ numaNodes: [0] }, ['ens3']],
  [{ numaNodes: [0, 1] }, ['ens2f0', 'ens3']],
  [{ numaNodes: [2] }, ['bond1']],
  [{ numaNodes: [3, 9] }, ['bond1']],
  [{ names: ['ens*'], drivers: ['ixgbe'] }, ['ens2f0']],
  [{ names: ['ens*'], drivers: ['veth'] }, []],
  [{ names: ['ens*'], exclude: { defaultRoute: true } }, ['ens2f0']],
  [{ names: ['ens*'], exclude: { names: ['storage'] } }, ['ens3']],
  [{ names: ['ens*'], exclude: { drivers: ['ixgbe'], numaNodes: [0] } }, ['ens2f0', 'ens3']],
  [{ names: ['ens*'], exclude: { drivers: ['ixgbe'], numaNodes: [1] } }, ['ens3']],
  [{ names: ['ens*'], exclude: { macAddresses: ['52:54:00:AA:*'] } }, ['ens3']],
  [{ names: ['ens*'], exclude: { pciAddresses: ['0000:*'] } }, ['ens3']],
  [{ names: ['ens*'], exclude: { vendorIDs: ['8086'], deviceIDs: ['0x15ab'] } }, ['ens3']],
  [{ exclude: { names: ['ens*', 'bond*', 'm[0-9]'] } }, ['veth0']],
];

describe('a NIC selector', () => {
  for (const [nicSelector, names] of table) {
    it(`${JSON.stringify(nicSelector)} selects ${names.join(', ') || 'nothing'}`, () => {
      const policies = [entries({ nicSelector })];
      const { resources } = plan({ interfaces: [card, uplink, virtual, bond, ...members], policies });
      assert.deepEqual(new Set(resources.map(({ parent }) => parent)), new Set(names));
    });
  }

  it('does not see the links of our own devices', () => {
    const policies = [entries({ nicSelector: { names: ['*'] } })];
    const answer = plan({ interfaces: [nic('mvt0123456789ab', { kind: 'macvtap' }), nic('eth0')], policies });
    assert.deepEqual([brief(answer), answer.skipped], [['eth0=eth0/bridge/100'], []]);
  });
});

it('a bond is on the NUMA nodes of its members', () => {
  const { resources } = plan({ interfaces: [...members, bond], policies: [entries({ parentIface: 'bond1' })] });
  assert.deepEqual(resources[0]?.numaNodes, [2, 3]);
});
