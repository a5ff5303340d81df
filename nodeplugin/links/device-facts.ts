// SPDX-License-Identifier: Apache-2.0
import { readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';

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
