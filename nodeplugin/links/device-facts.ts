// SPDX-License-Identifier: Apache-2.0
import { readFile, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';

/** What sysfs says of the device behind a NIC. */
export type DeviceFacts = Pick<InterfaceFacts, 'driver' | 'pciAddress' | 'vendorID' | 'deviceID' | 'numaNode'>;

/** Domain (more than four digits behind Intel's VMD), bus, device, function. */
const pciAddressPattern = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;

/**
 * Reads /sys/bus, which unlike /sys/class/net is the same in every network namespace. A file that is not there, or no
 * longer, only leaves its fact out.
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
 * The device itself or the one it is a function of (virtio on PCI, a scalable function). Not any further up: the PCI
 * address above a USB NIC is the USB controller's.
 */
function findPCIDevice(path: string): string | undefined {
  return [path, dirname(path)].find((candidate) => pciAddressPattern.test(basename(candidate)));
}

/** `0x8086` as `8086`. */
async function readHexID(path: string): Promise<string | undefined> {
  const text = await optional(readFile(path, 'utf8'));
  return text === undefined ? undefined : /^0x([0-9a-f]{4})$/i.exec(text.trim())?.[1]?.toLowerCase();
}

/** The kernel writes -1 where it knows none. */
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
