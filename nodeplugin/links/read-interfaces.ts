// SPDX-License-Identifier: Apache-2.0
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { decodeAddress, encodeDumpAddresses } from '../netlink/address-message.ts';
import { dump } from '../netlink/dump.ts';
import { decodeLink, type LinkMessage } from '../netlink/link-message.ts';
import { encodeDumpLinks, encodeGetLink } from '../netlink/link-requests.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import { decodeRoute, encodeDumpRoutes } from '../netlink/route-message.ts';
import { type DeviceFacts, readDeviceFacts } from './device-facts.ts';
import { toInterfaceFacts } from './to-interface-facts.ts';

export type InterfaceReader = (signal?: AbortSignal) => Promise<readonly InterfaceFacts[]>;

/** LOOPBACK_IFINDEX, include/net/flow.h: every namespace has it. */
const loopbackIfindex = 1;

/**
 * A reader of all links with addresses and default routes. Raises `NetlinkLost` and `NetlinkRefused`.
 *
 * The kernel sends an event while it still carries out what caused it, under its network lock (the routes of a deleted
 * address go after the event, and IPv4's silently). A dump does not wait for the lock, a request for one link does: it
 * goes first, and what caused earlier events is then done.
 */
export function makeInterfaceReader(socket: Requester, sysRoot = '/sys'): InterfaceReader {
  const readDevices = makeDeviceReader(sysRoot);
  return async (signal) => {
    await socket.request(encodeGetLink({ ifindex: loopbackIfindex }), signal);
    const linkMessages = await dump(socket, encodeDumpLinks(), signal);
    const addressMessages = await dump(socket, encodeDumpAddresses(), signal);
    const ipv4 = await dump(socket, encodeDumpRoutes('ipv4'), signal);
    const ipv6 = await dump(socket, encodeDumpRoutes('ipv6'), signal);
    const links = linkMessages.map(({ payload }) => decodeLink(payload));
    return toInterfaceFacts({
      links,
      addresses: addressMessages
        .map(({ payload }) => decodeAddress(payload))
        .filter((address) => address !== undefined),
      routes: [...ipv4, ...ipv6].map(({ payload }) => decodeRoute(payload)),
      devices: await readDevices(links),
    });
  };
}

/** Reads sysfs once for each device and link; what a driver says does not change while the link exists. */
function makeDeviceReader(sysRoot: string): (links: readonly LinkMessage[]) => Promise<Map<number, DeviceFacts>> {
  let known = new Map<string, DeviceFacts>();
  return async (links) => {
    const next = new Map<string, DeviceFacts>();
    const byIfindex = new Map<number, DeviceFacts>();
    for (const { ifindex, parentDevice } of links) {
      if (parentDevice === undefined) continue;
      const key = `${parentDevice.bus}/${parentDevice.name}/${ifindex}`;
      const facts = known.get(key) ?? (await readDeviceFacts(parentDevice, sysRoot));
      next.set(key, facts);
      byIfindex.set(ifindex, facts);
    }
    known = next;
    return byIfindex;
  };
}
