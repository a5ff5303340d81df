// SPDX-License-Identifier: Apache-2.0
import { readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DraParent } from '../../policy/plan/dra-devices.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { dump } from '../netlink/dump.ts';
import {
  type AddressMessage,
  decodeAddress,
  decodeRoute,
  encodeDumpAddresses,
  encodeDumpRoutes,
  isMainDefaultRoute,
  type RouteMessage,
} from '../netlink/ip-message.ts';
import { decodeLink, type LinkMessage } from '../netlink/link-message.ts';
import { encodeDumpLinks, encodeGetLink } from '../netlink/link-requests.ts';
import type { NetlinkMessage } from '../netlink/message.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import { isOwnVlan } from './vlan-link.ts';

/** Reads all links. Calls `onUnlocked` when earlier changes are complete, before it reads. */
export type InterfaceReader = (signal?: AbortSignal, onUnlocked?: () => void) => Promise<readonly InterfaceFacts[]>;

/** LOOPBACK_IFINDEX, include/net/flow.h. Every namespace has a link with this index. */
const loopbackIfindex = 1;

/**
 * Creates a function that reads all links with their addresses and default routes. The function raises `NetlinkLost`
 * and `NetlinkRefused`.
 *
 * The kernel sends an event before the change is complete, while it still holds its network lock (rtnl_lock). For
 * example, the routes of a deleted address disappear after the event, and IPv4 routes cause no further event. A dump
 * does not wait for the lock, but a request for a single link does. The function therefore requests a single link
 * first. When it gets the reply, the changes of all earlier events are complete.
 *
 * `keep` selects links by the payload of their message. It saves the decoding of the other links.
 */
export function makeInterfaceReader(
  socket: Requester,
  sysRoot = '/sys',
  keep?: (payload: Uint8Array) => boolean,
): InterfaceReader {
  const readDevices = makeDeviceReader(sysRoot);
  const linkRequest = { ...encodeDumpLinks(), ...(keep && { keep: ({ payload }: NetlinkMessage) => keep(payload) }) };
  return async (signal, onUnlocked) => {
    await socket.request(encodeGetLink({ ifindex: loopbackIfindex }), signal);
    onUnlocked?.();
    const linkMessages = await dump(socket, linkRequest, signal);
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

/**
 * Creates a function that reads each link's device from sysfs only once, because the facts do not change while the link
 * exists.
 */
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

/** The dumps of one namespace. */
export interface Dumps {
  readonly links: readonly LinkMessage[];
  readonly addresses: readonly AddressMessage[];
  readonly routes: readonly RouteMessage[];
  /** The facts about devices, by the ifindex of the device's link. */
  readonly devices: ReadonlyMap<number, DeviceFacts>;
}

/**
 * Builds the facts about the interfaces. Interfaces are sorted by ifindex, and their addresses are sorted, so that
 * equal facts are deeply equal.
 */
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
      ...(link.vlan !== undefined && { vlan: { ...link.vlan, ...(isOwnVlan(link) && { managed: true }) } }),
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

/**
 * Returns the device's facts. For a link without a device, the driver is the link's kind, for example 'veth' or 'bond'.
 */
function describeDevice(link: LinkMessage, device: DeviceFacts | undefined): DeviceFacts {
  return { ...(link.kind !== undefined && { driver: link.kind }), ...device };
}

/**
 * Describes the link's master. `master` is undefined if the master disappeared between two parts of a dump. The next
 * dump is correct.
 */
function describeMaster(link: LinkMessage, master: LinkMessage | undefined): { name: string; kind: string } {
  return {
    name: master?.name ?? `#${link.masterIfindex}`,
    kind: link.slaveKind ?? master?.kind ?? 'device',
  };
}

/**
 * Groups the addresses by link. Link-local addresses are left out: unlike other addresses, they do not show that the
 * link carries the node's own traffic.
 */
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

/** The facts about a NIC's device that sysfs provides. */
export type DeviceFacts = Pick<InterfaceFacts, 'driver' | 'pciAddress' | 'vendorID' | 'deviceID' | 'numaNode'>;

/** Matches the domain, bus, device and function. Behind Intel's VMD, the domain has more than four digits. */
const pciAddressPattern = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;

/**
 * Reads the facts about a device from /sys/bus. Unlike /sys/class/net, /sys/bus is the same in every network namespace.
 * A fact is left out if its file is absent.
 */
export async function readDeviceFacts(
  device: { readonly name: string; readonly bus: string },
  sysRoot = '/sys',
): Promise<DeviceFacts> {
  const path = await optional(realpath(join(sysRoot, 'bus', device.bus, 'devices', device.name)));
  if (path === undefined) return {};
  const pciPath = findPCIDevice(path);
  const identity = pciPath ?? path;
  const [driver, vendorID, deviceID, numaNode] = await Promise.all([
    optional(readlink(join(path, 'driver'))),
    readHexID(join(identity, 'vendor')),
    readHexID(join(identity, 'device')),
    readNumaNode(join(identity, 'numa_node')),
  ]);
  return {
    ...(driver !== undefined && { driver: basename(driver) }),
    ...(pciPath !== undefined && { pciAddress: basename(pciPath) }),
    ...(vendorID !== undefined && { vendorID }),
    ...(deviceID !== undefined && { deviceID }),
    ...(numaNode !== undefined && { numaNode }),
  };
}

/**
 * Returns the path of the PCI device: the device itself or, for virtio on PCI and scalable functions, its parent. Other
 * ancestors do not count, because the PCI address above a USB NIC belongs to the USB controller.
 */
function findPCIDevice(path: string): string | undefined {
  return [path, dirname(path)].find((candidate) => pciAddressPattern.test(basename(candidate)));
}

/** Reads a hexadecimal ID without its prefix: `8086` for `0x8086`. */
async function readHexID(path: string): Promise<string | undefined> {
  const text = await optional(readFile(path, 'utf8'));
  return text === undefined ? undefined : /^0x([0-9a-f]{4})$/i.exec(text.trim())?.[1]?.toLowerCase();
}

/** Reads the device's NUMA node. Returns undefined for -1, which the kernel writes if the node is unknown. */
async function readNumaNode(path: string): Promise<number | undefined> {
  const text = await optional(readFile(path, 'utf8'));
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}

async function optional<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch {
    return undefined;
  }
}

/** Reads the facts about a link that only DRA uses. A fact that the kernel does not know is left out. */
export async function readBusFacts({
  name,
  pciAddress,
}: InterfaceFacts): Promise<Pick<DraParent, 'speedMbps' | 'pcieRoot'>> {
  const speed = Number(await readFile(join('/sys/class/net', name, 'speed'), 'utf8').catch(() => ''));
  const path = pciAddress && (await realpath(join('/sys/bus/pci/devices', pciAddress)).catch(() => undefined));
  const root = path && /\/(pci[0-9a-f]{4,8}:[0-9a-f]{2})\//.exec(path)?.[1];
  return { ...(speed > 0 && { speedMbps: speed }), ...(root && { pcieRoot: root }) };
}
