// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import type { AddressMessage } from '../netlink/address-message.ts';
import type { LinkMessage } from '../netlink/link-message.ts';
import { isMainDefaultRoute, type RouteMessage } from '../netlink/route-message.ts';
import type { DeviceFacts } from './device-facts.ts';

/** What was read of one namespace, ready to be put together. */
export interface Dumps {
  readonly links: readonly LinkMessage[];
  readonly addresses: readonly AddressMessage[];
  readonly routes: readonly RouteMessage[];
  /** By ifindex, for the links that have a device. */
  readonly devices: ReadonlyMap<number, DeviceFacts>;
}

/** By ifindex, with addresses in the order of their text: equal facts are equal data. */
export function toInterfaceFacts(dumps: Dumps): InterfaceFacts[] {
  const byIfindex = new Map(dumps.links.map((link) => [link.ifindex, link]));
  const addresses = groupAddresses(dumps.addresses);
  const defaultRoutes = new Set(dumps.routes.filter(isMainDefaultRoute).flatMap(({ ifindexes }) => ifindexes));
  return dumps.links
    .toSorted((a, b) => a.ifindex - b.ifindex)
    .map((link) => ({
      ...describeLink(link),
      ...describeDevice(link, dumps.devices.get(link.ifindex)),
      ...(link.masterIfindex !== undefined && { master: describeMaster(link, byIfindex.get(link.masterIfindex)) }),
      ...(link.lowerIfindex !== undefined && { lowerIfindex: link.lowerIfindex }),
      addresses: (addresses.get(link.ifindex) ?? []).toSorted(),
      defaultRoute: defaultRoutes.has(link.ifindex),
    }));
}

function describeLink(link: LinkMessage) {
  return {
    name: link.name,
    altNames: link.altNames.toSorted(),
    ifindex: link.ifindex,
    kind: link.kind ?? 'device',
    ethernet: link.ethernet,
    loopback: link.loopback,
    up: link.up,
    carrier: link.carrier,
    mtu: link.mtu,
    ...(link.macAddress !== undefined && { macAddress: link.macAddress }),
    ...(link.permanentMACAddress !== undefined && { permanentMACAddress: link.permanentMACAddress }),
  };
}

/** A link without a device is driven by its kind: 'veth', 'bond'. */
function describeDevice(link: LinkMessage, device: DeviceFacts | undefined): DeviceFacts {
  return { ...(link.kind !== undefined && { driver: link.kind }), ...device };
}

/** The master may be missing when it went away between two parts of a dump; the next dump knows better. */
function describeMaster(link: LinkMessage, master: LinkMessage | undefined): { name: string; kind: string } {
  return {
    name: master?.name ?? `#${link.masterIfindex}`,
    kind: link.slaveKind ?? master?.kind ?? 'device',
  };
}

/** Only those that reach further than the link: the others say nothing about whose traffic it carries. */
function groupAddresses(messages: readonly AddressMessage[]): Map<number, string[]> {
  const grouped = new Map<number, string[]>();
  for (const { ifindex, address, scope } of messages) {
    if (scope !== 'universe' && scope !== 'site') continue;
    const list = grouped.get(ifindex);
    if (list === undefined) grouped.set(ifindex, [address]);
    else list.push(address);
  }
  return grouped;
}
