// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressMessage } from '../netlink/ip-message.ts';
import type { LinkMessage } from '../netlink/link-message.ts';
import { type Dumps, toInterfaceFacts } from './read-interfaces.ts';

const plain: LinkMessage = {
  ifindex: 2,
  name: 'eth0',
  altNames: [],
  ethernet: true,
  loopback: false,
  up: true,
  promiscuous: false,
  carrier: true,
  mtu: 1500,
};

function facts(dumps: Partial<Dumps>) {
  return toInterfaceFacts({ links: [plain], addresses: [], routes: [], devices: new Map(), ...dumps });
}

test('a link without kind and device is of kind device and has no driver', () => {
  assert.deepEqual(facts({}), [
    {
      name: 'eth0',
      altNames: [],
      ifindex: 2,
      kind: 'device',
      ethernet: true,
      loopback: false,
      up: true,
      carrier: true,
      mtu: 1500,
      addresses: [],
      defaultRoute: false,
    },
  ]);
});

test('the driver of a link without a device is its kind', () => {
  assert.equal(facts({ links: [{ ...plain, kind: 'bond' }] })[0]?.driver, 'bond');
});

test("the facts include the device's attributes from sysfs", () => {
  const device = { driver: 'ixgbe', pciAddress: '0000:3b:00.0', vendorID: '8086', deviceID: '1572', numaNode: 0 };
  const [first] = facts({ devices: new Map([[2, device]]) });
  assert.deepEqual({ ...first, ...device }, first);
});

test('only addresses with a scope beyond the link are facts, and they are sorted', () => {
  const scopes = ['universe', 'site', 'link', 'host', 'other'] as const;
  const addresses: AddressMessage[] = scopes.map((scope, i) => ({ ifindex: 2, address: `10.0.0.${9 - i}/24`, scope }));
  assert.deepEqual(facts({ addresses })[0]?.addresses, ['10.0.0.8/24', '10.0.0.9/24']);
});

test('every link of a default route in the main table has defaultRoute', () => {
  const other = { ...plain, ifindex: 3, name: 'eth1' };
  const third = { ...plain, ifindex: 4, name: 'eth2' };
  const route = { unicast: true, mainTable: true, prefixLength: 0, ifindexes: [2, 3] };
  const elsewhere = { ...route, mainTable: false, ifindexes: [4] };
  const all = facts({ links: [plain, other, third], routes: [route, elsewhere] });
  assert.deepEqual(
    all.map(({ defaultRoute }) => defaultRoute),
    [true, true, false],
  );
});

test("an enslaved link has its master's name and kind, and the slave kind takes precedence", () => {
  const slave = { ...plain, masterIfindex: 9, slaveKind: 'bond' };
  const master = { ...plain, ifindex: 9, name: 'bond1', kind: 'team' };
  assert.deepEqual(facts({ links: [slave, master] })[0]?.master, { name: 'bond1', kind: 'bond' });
  const { slaveKind: _, ...silent } = slave;
  assert.deepEqual(facts({ links: [silent, master] })[0]?.master, { name: 'bond1', kind: 'team' });
  assert.deepEqual(facts({ links: [silent] })[0]?.master, { name: '#9', kind: 'device' });
});

test('the order of the dump does not matter', () => {
  const other = { ...plain, ifindex: 3, name: 'eth1', altNames: ['b', 'a'] };
  assert.deepEqual(facts({ links: [other, plain] }), facts({ links: [plain, { ...other, altNames: ['a', 'b'] }] }));
});
