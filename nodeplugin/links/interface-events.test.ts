// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import {
  type Attribute,
  encodeAttributes,
  nestedAttribute,
  stringAttribute,
  u32Attribute,
} from '../netlink/attributes.ts';
import { RTM_DELADDR, RTM_NEWADDR } from '../netlink/ip-message.ts';
import { encodeIfinfomsg, IFLA, IFLA_INFO, RTM_DELLINK, RTM_NEWLINK } from '../netlink/link-message.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import { createNewsFilter, describesOwnMacvtap } from './interface-events.ts';

const ownName = 'mvt0123456789ab';

/** IFLA_STATS, linux/if_link.h. */
const otherAttribute = 7;

function linkPayload(ifindex: number, name: string, kind?: string, ...more: readonly Attribute[]): Uint8Array {
  const info = kind === undefined ? [] : [nestedAttribute(IFLA.LINKINFO, [stringAttribute(IFLA_INFO.KIND, kind)])];
  const attributes = encodeAttributes([stringAttribute(IFLA.IFNAME, name), ...more, ...info]);
  return Buffer.concat([encodeIfinfomsg({ ifindex }), attributes]);
}

function message(type: number, payload: Uint8Array): NetlinkMessage {
  return { type, flags: 0, sequence: 0, payload };
}

test('only a macvtap with a name of the node plugin is its own', () => {
  const cases = [
    [ownName, 'macvtap', true],
    [ownName, 'macvlan', false],
    [ownName, undefined, false],
    ['mvt0', 'macvtap', false],
    ['eth0', undefined, false],
  ] as const;
  for (const [name, kind, isOwn] of cases) assert.equal(describesOwnMacvtap(linkPayload(5, name, kind)), isOwn, name);
});

test('a truncated link message is refused', () => {
  const payload = linkPayload(5, ownName, 'macvtap');
  assert.throws(
    () => describesOwnMacvtap(payload.subarray(0, payload.length - 1)),
    (thrown) => thrown instanceof MacvtapError && thrown.code === 'NetlinkMalformed',
  );
});

test('an event of an own macvtap is ignored, and one of another link is reported if the link has changed', () => {
  const isNews = createNewsFilter();
  assert.equal(isNews(message(RTM_NEWLINK, linkPayload(5, ownName, 'macvtap'))), false);
  assert.equal(isNews(message(RTM_DELLINK, linkPayload(5, ownName, 'macvtap'))), false);
  assert.equal(isNews(message(RTM_NEWLINK, linkPayload(2, 'eth0'))), true);
  assert.equal(isNews(message(RTM_NEWLINK, linkPayload(2, 'eth0'))), false);
  assert.equal(isNews(message(RTM_NEWLINK, linkPayload(2, 'eth1'))), true);
  assert.equal(isNews(message(RTM_DELLINK, linkPayload(2, 'eth1'))), true);
  assert.equal(isNews(message(RTM_NEWLINK, linkPayload(2, 'eth1'))), true);
});

test('a change of only counters is ignored, and a change of a fact after it is reported', () => {
  const isNews = createNewsFilter();
  const link = (counter: number, mtu: number) =>
    message(
      RTM_NEWLINK,
      linkPayload(2, 'eth0', undefined, u32Attribute(IFLA.MTU, mtu), u32Attribute(otherAttribute, counter)),
    );
  assert.deepEqual([link(1, 1500), link(2, 1500), link(3, 9000), link(4, 9000)].map(isNews), [
    true,
    false,
    true,
    false,
  ]);
});

test('a new IPv6 link-local address is ignored, and every other address and removal is reported', () => {
  const isNews = createNewsFilter();
  // struct ifaddrmsg: family, prefix length, flags, scope, index
  const address = (family: number, scope: number) => Uint8Array.of(family, 64, 0x80, scope, 2, 0, 0, 0);
  const [ipv4, ipv6, universe, link] = [2, 10, 0, 253];
  for (const type of [RTM_NEWADDR, RTM_DELADDR]) {
    assert.equal(isNews(message(type, address(ipv6, link))), type === RTM_DELADDR);
    assert.equal(isNews(message(type, address(ipv6, universe))), true);
    assert.equal(isNews(message(type, address(ipv4, link))), true);
  }
});
