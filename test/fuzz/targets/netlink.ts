// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { decodeNetnsID } from '../../../nodeplugin/links/netns-id.ts';
import { toInterfaceFacts } from '../../../nodeplugin/links/read-interfaces.ts';
import {
  type Attribute,
  decodeAttributes,
  encodeAttributes,
  nestedAttribute,
  stringAttribute,
  u32Attribute,
} from '../../../nodeplugin/netlink/attributes.ts';
import { decodeAddress, decodeRoute } from '../../../nodeplugin/netlink/ip-message.ts';
import { decodeLink, encodeIfinfomsg, type LinkMessage } from '../../../nodeplugin/netlink/link-message.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  encodeMessage,
  type NetlinkMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
} from '../../../nodeplugin/netlink/message.ts';
import { type Target, unlessRefused } from '../target.ts';

const refused = ['NetlinkMalformed'] as const;

// linux/if_link.h: IFLA_ADDRESS 1, IFNAME 3, MTU 4, LINK 5, MASTER 10, LINKINFO 18, CARRIER 33, LINK_NETNSID 37,
// PROP_LIST 52. Nested in LINKINFO: IFLA_INFO_KIND 1, INFO_DATA 2. Nested in PROP_LIST: ALT_IFNAME 53.
const macvtap = Buffer.concat([
  encodeIfinfomsg({ ifindex: 7, flags: 1 }),
  encodeAttributes([
    { type: 1, value: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1) },
    stringAttribute(3, 'tap7'),
    u32Attribute(4, 1500),
    u32Attribute(5, 2),
    u32Attribute(10, 3),
    u32Attribute(37, 0),
    { type: 33, value: Uint8Array.of(1) },
    nestedAttribute(18, [stringAttribute(1, 'macvtap'), nestedAttribute(2, [u32Attribute(1, 4)])]),
    nestedAttribute(52, [stringAttribute(53, 'uplink')]),
  ]),
]);
const address = Buffer.concat([
  Uint8Array.of(2, 24, 0, 0, 7, 0, 0, 0),
  encodeAttributes([{ type: 2, value: Uint8Array.of(10, 0, 0, 1) }]),
]);
const hops = Uint8Array.of(8, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0);
const route = Buffer.concat([
  Uint8Array.of(2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0),
  encodeAttributes([u32Attribute(4, 7), { type: 9, value: hops }, u32Attribute(15, 254)]),
]);
const netnsID = Buffer.concat([new Uint8Array(4), encodeAttributes([u32Attribute(1, 3)])]);
const failed = Buffer.concat([
  Uint8Array.of(0xf0, 0xff, 0xff, 0xff),
  encodeMessage({ type: 16, flags: 5, sequence: 1, payload: new Uint8Array() }),
  encodeAttributes([stringAttribute(1, 'device is busy')]),
]);
const datagram = Buffer.concat([
  encodeMessage({ type: 16, flags: 2, sequence: 1, payload: macvtap }),
  encodeMessage({ type: NLMSG_ERROR, flags: 0x200, sequence: 1, payload: failed }),
  encodeMessage({ type: NLMSG_DONE, flags: 2, sequence: 1, payload: new Uint8Array(4) }),
]);

export const netlinkTargets: readonly Target[] = [
  {
    name: 'netlink-attributes',
    invariant: 'Attributes are refused as NetlinkMalformed or survive being written and read again.',
    shape: 'bytes',
    seeds: [macvtap.subarray(16), route.subarray(12)],
    run(input) {
      const attributes = unlessRefused(refused, () => decodeAttributes(input));
      if (attributes === undefined) return;
      assert.deepEqual(decodeAttributes(encodeAttributes(attributes)).map(hexOf), attributes.map(hexOf));
    },
  },
  {
    name: 'netlink-link',
    invariant: 'A link message is refused as NetlinkMalformed or gives facts of the promised types.',
    shape: 'bytes',
    seeds: [macvtap],
    run(input) {
      const link = unlessRefused(refused, () => decodeLink(input));
      if (link !== undefined) checkLink(link);
    },
  },
  {
    name: 'netlink-address',
    invariant: 'An address message is refused as NetlinkMalformed or gives an address with its prefix length.',
    shape: 'bytes',
    seeds: [address],
    run(input) {
      const read = unlessRefused(refused, () => decodeAddress(input));
      if (read !== undefined) assert.match(read.address, /^[0-9a-f.:]+\/\d+$/);
    },
  },
  {
    name: 'netlink-route',
    invariant: 'A route message is refused as NetlinkMalformed or names at most one link for each next hop.',
    shape: 'bytes',
    seeds: [route],
    run(input) {
      const read = unlessRefused(refused, () => decodeRoute(input));
      if (read === undefined) return;
      assert.ok(read.ifindexes.length <= 1 + input.length / 8);
      assert.ok(read.ifindexes.every(Number.isInteger));
    },
  },
  {
    name: 'netlink-netns-id',
    invariant: 'A namespace message is refused as NetlinkMalformed or gives a whole number.',
    shape: 'bytes',
    seeds: [netnsID],
    run(input) {
      const read = unlessRefused(refused, () => decodeNetnsID(input));
      assert.ok(read === undefined || (Number.isInteger(read) && read >= 0));
    },
  },
  {
    name: 'netlink-datagram',
    invariant: 'A datagram is refused as NetlinkMalformed or its messages survive being written and read again.',
    shape: 'bytes',
    seeds: [datagram],
    run(input) {
      const messages = unlessRefused(refused, () => decodeMessages(input));
      if (messages === undefined) return;
      assert.deepEqual(decodeMessages(Buffer.concat(messages.map(encodeMessage))).map(hexOf), messages.map(hexOf));
      for (const message of messages) {
        const verdict = unlessRefused(refused, () => decodeAcknowledgement(message));
        assert.ok(verdict === undefined || (Number.isInteger(verdict.errno) && verdict.errno >= 0));
      }
    },
  },
];

/** Returns bytes as text, so that any two types of view can be compared. */
function hexOf(part: Attribute | NetlinkMessage): object {
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ]),
  );
}

function checkLink(link: LinkMessage): void {
  assert.ok(Number.isInteger(link.ifindex) && Number.isInteger(link.mtu));
  for (const text of [link.name, ...link.altNames]) assert.ok(!text.includes('\0'));
  for (const mac of [link.macAddress, link.permanentMACAddress]) {
    assert.match(mac ?? '52', /^[0-9a-f]{2}(:[0-9a-f]{2})*$/);
  }
  const [facts] = toInterfaceFacts({ links: [link], addresses: [], routes: [], devices: new Map() });
  assert.equal(facts?.ifindex, link.ifindex);
}
