// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAttributes, findAttribute, readNumber, readString } from './attributes.ts';
import { decodeLink, IFLA, type MacvtapMode } from './link-message.ts';
import {
  encodeAddAltName,
  encodeCreateMacvtap,
  encodeCreateVlan,
  encodeDeleteLink,
  encodeDumpLinks,
  encodeGetLink,
  encodeMoveLink,
  encodeSetLink,
} from './link-requests.ts';

test('the request for a macvtap has name, parent, kind and mode, and fails if the link exists', () => {
  const { type, flags, payload } = encodeCreateMacvtap({
    name: 'tap0',
    ifindex: 258,
    parentIfindex: 3,
    mode: 'bridge',
  });
  assert.equal(type, 16); // RTM_NEWLINK
  assert.equal(flags, 0x605); // REQUEST | ACK | EXCL | CREATE
  // biome-ignore format: one attribute a line
  assert.deepEqual([...payload], [
    0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    9, 0, 3, 0, 0x74, 0x61, 0x70, 0x30, 0, 0, 0, 0,
    8, 0, 5, 0, 3, 0, 0, 0,
    28, 0, 18, 0x80,
      12, 0, 1, 0, 0x6d, 0x61, 0x63, 0x76, 0x74, 0x61, 0x70, 0,
      12, 0, 2, 0x80,
        8, 0, 1, 0, 4, 0, 0, 0,
  ]);
});

test('the request for a VLAN has name, lower link and ID, and fails if the link exists', () => {
  const { type, flags, payload } = encodeCreateVlan({ name: 'v', lowerIfindex: 3, id: 258 });
  assert.deepEqual([type, flags], [16, 0x605]); // RTM_NEWLINK; REQUEST | ACK | EXCL | CREATE
  // biome-ignore format: one attribute a line
  assert.deepEqual([...payload.subarray(16)], [
    6, 0, 3, 0, 0x76, 0, 0, 0,
    8, 0, 5, 0, 3, 0, 0, 0,
    28, 0, 18, 0x80,
      9, 0, 1, 0, 0x76, 0x6c, 0x61, 0x6e, 0, 0, 0, 0,
      12, 0, 2, 0x80,
        6, 0, 1, 0, 2, 1, 0, 0,
  ]);
});

test('a change of a link contains only the given settings', () => {
  const { type, payload } = encodeSetLink(5, { name: 'eth0.7', alias: 'mine', mtu: 1400, up: true });
  assert.equal(type, 19); // RTM_SETLINK
  assert.deepEqual([...payload.subarray(4, 16)], [5, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
  const attributes = decodeAttributes(payload.subarray(16));
  assert.equal(readString(attributes, 3), 'eth0.7');
  assert.equal(readString(attributes, 20), 'mine'); // IFLA_IFALIAS
  assert.equal(readNumber(attributes, 4), 1400);
  assert.deepEqual([...encodeSetLink(5, { up: false }).payload], [0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
  assert.deepEqual([...encodeSetLink(5, {}).payload.subarray(8)], [0, 0, 0, 0, 0, 0, 0, 0]);
});

test('the request for an altname puts it into a list of properties', () => {
  const { type, flags, payload } = encodeAddAltName(5, 'lan');
  assert.deepEqual([type, flags], [108, 0x605]); // RTM_NEWLINKPROP
  // biome-ignore format: one attribute a line
  assert.deepEqual([...payload.subarray(16)], [
    12, 0, 52, 0x80,
      8, 0, 53, 0, 0x6c, 0x61, 0x6e, 0,
  ]);
});

test('one message creates a link that is up, silent, promiscuous and receives all multicast groups', () => {
  const { payload } = encodeCreateMacvtap({
    name: 'net1',
    parentIfindex: 3,
    mode: 'bridge',
    up: true,
    promiscuous: true,
    allMulticast: true,
    silent: true,
  });
  // IFF_UP, IFF_NOARP, IFF_PROMISC and IFF_ALLMULTI, as flags and as the mask of flags to change.
  assert.deepEqual([...payload.subarray(8, 16)], [0x81, 3, 0, 0, 0x81, 3, 0, 0]);
  const attributes = decodeAttributes(payload.subarray(16));
  assert.equal(readNumber(attributes, 16), 5); // IFLA_OPERSTATE: IF_OPER_DORMANT
  assert.equal(readNumber(attributes, 17), 1); // IFLA_LINKMODE: IF_LINK_MODE_DORMANT
});

test('a creation request is decoded as the link that it describes', () => {
  const mode = fc.constantFrom<MacvtapMode>('private', 'vepa', 'bridge', 'passthru');
  const ifindex = fc.integer({ min: 1, max: 0x7fff_ffff });
  const name = fc.stringMatching(/^[a-z0-9.-]{1,15}$/);
  fc.assert(
    fc.property(name, ifindex, ifindex, mode, fc.boolean(), fc.integer({ min: 68, max: 65535 }), (...drawn) => {
      const [linkName, index, parentIfindex, linkMode, up, mtu] = drawn;
      const macAddress = Uint8Array.of(0x52, 0x54, 0, 1, 2, 3);
      const request = encodeCreateMacvtap({
        name: linkName,
        ifindex: index,
        parentIfindex,
        mode: linkMode,
        up,
        mtu,
        macAddress,
      });
      const link = decodeLink(request.payload);
      assert.deepEqual(
        [link.name, link.ifindex, link.lowerIfindex, link.macvlanMode, link.kind, link.up, link.mtu, link.macAddress],
        [linkName, index, parentIfindex, linkMode, 'macvtap', up, mtu, '52:54:00:01:02:03'],
      );
    }),
  );
});

test('a link can be created in another namespace', () => {
  const { payload } = encodeCreateMacvtap({ name: 'tap0', parentIfindex: 3, mode: 'bridge', netnsFd: 21 });
  assert.equal(readNumber(decodeAttributes(payload.subarray(16)), IFLA.NET_NS_FD), 21);
});

test('a move always contains the index of the link, so that the kernel does not choose one', () => {
  const same = decodeAttributes(encodeMoveLink({ ifindex: 7, netnsFd: 21 }).payload.subarray(16));
  assert.equal(readNumber(same, IFLA.NEW_IFINDEX), 7);
  assert.equal(findAttribute(same, IFLA.IFNAME), undefined);
  const { payload } = encodeMoveLink({ ifindex: 7, netnsFd: 21, newIfindex: 9, name: 'net1' });
  const other = decodeAttributes(payload.subarray(16));
  assert.equal(readNumber(other, IFLA.NEW_IFINDEX), 9);
  assert.equal(readString(other, IFLA.IFNAME), 'net1');
});

test('a deletion request contains only the index, and asks for an acknowledgement', () => {
  const { type, flags, payload } = encodeDeleteLink(7);
  assert.deepEqual([type, flags], [17, 0x5]);
  assert.deepEqual([...payload], [0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test('a link is looked up by name or by index', () => {
  const byName = encodeGetLink({ name: 'eth0' });
  assert.equal(decodeLink(byName.payload).name, 'eth0');
  assert.equal(decodeLink(encodeGetLink({ ifindex: 4 }).payload).ifindex, 4);
});

test('a dump requests all links without their counters', () => {
  const { type, flags, payload } = encodeDumpLinks();
  assert.deepEqual([type, flags], [18, 0x301]);
  assert.deepEqual([...payload.subarray(16)], [8, 0, 29, 0, 8, 0, 0, 0]);
});
