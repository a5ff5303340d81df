// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../runtime/errors.ts';
import { type Attribute, encodeAttributes, nestedAttribute, stringAttribute, u32Attribute } from './attributes.ts';
import { decodeLink, encodeIfinfomsg, IFLA, IFLA_INFO, IFLA_MACVLAN_MODE, parseMACAddress } from './link-message.ts';

/** struct ifinfomsg: family, pad, type ARPHRD_ETHER, ifindex 5, flags UP | BROADCAST | RUNNING | MULTICAST, change. */
const header = [0, 0, 1, 0, 5, 0, 0, 0, 0x43, 0x10, 0, 0, 0, 0, 0, 0];

function link(...attributes: Attribute[]): Uint8Array {
  return Uint8Array.from([...header, ...encodeAttributes(attributes)]);
}

test('a physical NIC has no kind, but has the device to which it belongs', () => {
  const bytes = link(
    stringAttribute(IFLA.IFNAME, 'eth0'),
    u32Attribute(IFLA.MTU, 1500),
    { type: IFLA.CARRIER, value: Uint8Array.of(1) },
    { type: IFLA.ADDRESS, value: Uint8Array.of(0x52, 0x54, 0, 0xa, 0xb, 0xc) },
    { type: IFLA.PERM_ADDRESS, value: Uint8Array.of(0x52, 0x54, 0, 1, 2, 3) },
    stringAttribute(IFLA.PARENT_DEV_NAME, '0000:3b:00.0'),
    stringAttribute(IFLA.PARENT_DEV_BUS_NAME, 'pci'),
  );
  assert.deepEqual(decodeLink(bytes), {
    ifindex: 5,
    name: 'eth0',
    altNames: [],
    ethernet: true,
    loopback: false,
    up: true,
    promiscuous: false,
    carrier: true,
    mtu: 1500,
    macAddress: '52:54:00:0a:0b:0c',
    permanentMACAddress: '52:54:00:01:02:03',
    parentDevice: { name: '0000:3b:00.0', bus: 'pci' },
  });
});

test('a macvtap has its mode and its lower link', () => {
  const info = nestedAttribute(IFLA.LINKINFO, [
    stringAttribute(IFLA_INFO.KIND, 'macvtap'),
    nestedAttribute(IFLA_INFO.DATA, [u32Attribute(IFLA_MACVLAN_MODE, 2)]),
  ]);
  const decoded = decodeLink(link(stringAttribute(IFLA.IFNAME, 'mvt0'), u32Attribute(IFLA.LINK, 3), info));
  assert.equal(decoded.kind, 'macvtap');
  assert.equal(decoded.macvlanMode, 'vepa');
  assert.equal(decoded.lowerIfindex, 3);
});

test('a VLAN is decoded with the ID and the protocol of its tag, and with its alias', () => {
  // IFLA_VLAN_ID is in the host's byte order, and IFLA_VLAN_PROTOCOL in network byte order.
  const vlan = (...protocol: readonly number[]) =>
    decodeLink(
      link(
        stringAttribute(IFLA.IFNAME, 'eth0.100'),
        { type: IFLA.IFALIAS, value: new TextEncoder().encode('kube-macvtap') },
        nestedAttribute(IFLA.LINKINFO, [
          stringAttribute(IFLA_INFO.KIND, 'vlan'),
          nestedAttribute(IFLA_INFO.DATA, [
            { type: 1, value: new Uint8Array(Uint16Array.of(100).buffer) },
            { type: 5, value: Uint8Array.from(protocol) },
          ]),
        ]),
      ),
    );
  assert.deepEqual(vlan(0x81, 0x00).vlan, { id: 100, protocol: '802.1Q' });
  assert.deepEqual(vlan(0x88, 0xa8).vlan, { id: 100, protocol: '802.1ad' });
  assert.equal(vlan(0x91, 0x00).vlan, undefined);
  assert.equal(vlan(0x81, 0x00).alias, 'kube-macvtap');
});

test('a lower link in another namespace is distinct from one in this namespace', () => {
  const decoded = decodeLink(link(u32Attribute(IFLA.LINK, 3), u32Attribute(IFLA.LINK_NETNSID, 0)));
  assert.deepEqual([decoded.lowerIfindex, decoded.lowerIfindexElsewhere], [undefined, 3]);
});

test('a permanent address of zeros counts as absent', () => {
  const decoded = decodeLink(link({ type: IFLA.PERM_ADDRESS, value: new Uint8Array(6) }));
  assert.equal(decoded.permanentMACAddress, undefined);
});

test('an enslaved link has its master and its slave kind', () => {
  const info = nestedAttribute(IFLA.LINKINFO, [
    stringAttribute(IFLA_INFO.KIND, 'veth'),
    stringAttribute(IFLA_INFO.SLAVE_KIND, 'bridge'),
  ]);
  const decoded = decodeLink(link(u32Attribute(IFLA.MASTER, 9), info));
  assert.equal(decoded.masterIfindex, 9);
  assert.equal(decoded.slaveKind, 'bridge');
});

test('all alternative names are decoded', () => {
  const names = ['enp3s0', 'a-name-longer-than-fifteen'].map((name) => stringAttribute(IFLA.ALT_IFNAME, name));
  assert.deepEqual(decodeLink(link(nestedAttribute(IFLA.PROP_LIST, names))).altNames, [
    'enp3s0',
    'a-name-longer-than-fifteen',
  ]);
});

test('a loopback is not an Ethernet link', () => {
  const bytes = encodeIfinfomsg({ ifindex: 1, flags: 0x49 });
  bytes.set([0x04, 0x03], 2); // ARPHRD_LOOPBACK, 772
  const decoded = decodeLink(bytes);
  assert.equal(decoded.loopback, true);
  assert.equal(decoded.ethernet, false);
});

test('any attributes are either decoded or rejected as malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      try {
        decodeLink(Uint8Array.from([...header, ...bytes]));
        decodeLink(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof MacvtapError && thrown.code === 'NetlinkMalformed', String(thrown));
      }
    }),
  );
});

test('six hexadecimal bytes of either case are a MAC address', () => {
  assert.deepEqual([...(parseMACAddress('52:54:00:aB:Cd:ef') ?? [])], [0x52, 0x54, 0, 0xab, 0xcd, 0xef]);
});

for (const text of [
  '',
  '52:54:00:ab:cd',
  '52:54:00:ab:cd:ef:00',
  '52-54-00-ab-cd-ef',
  '5:54:00:ab:cd:ef',
  'g2:54:00:ab:cd:ef',
]) {
  test(`"${text}" is not a MAC address`, () => {
    assert.equal(parseMACAddress(text), undefined);
  });
}
