// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { absentWhenMissing } from './read-tap-file.ts';

/** The character device of a macvtap. Anything but `matches` means that it must not be handed out. */
export interface TapNode {
  /** @example '/dev/tap1073741950' */
  readonly path: string;
  /** Device number of the link, `major:minor`; absent when the namespace of this sysfs has no such macvtap. */
  readonly linkDevice?: string;
  /** Device number of the node; absent when there is none, or something other than a character device. */
  readonly nodeDevice?: string;
  /** Whose tap the node is; absent when no link has its device number. */
  readonly holder?: TapHolder;
  readonly matches: boolean;
}

/** A macvtap, of whatever namespace. */
interface TapHolder {
  readonly name: string;
  readonly ifindex: number;
}

/**
 * Compares what the kernel says of the macvtap's character device with what /dev holds. /dev is one for all network
 * namespaces: a node of the right name may belong to a link elsewhere, or be missing because of one. Raises
 * `TapNodeUnreadable`.
 */
export async function readTapNode(
  ifindex: number,
  { sysRoot = '/sys', devRoot = '/dev' }: { readonly sysRoot?: string; readonly devRoot?: string } = {},
): Promise<TapNode> {
  const path = `${devRoot}/tap${ifindex}`;
  const linkDevice = readLinkDevice(sysRoot, ifindex);
  const nodeDevice = readNodeDevice(path);
  const holder = nodeDevice === undefined ? undefined : readHolder(sysRoot, nodeDevice);
  return {
    path,
    ...(linkDevice !== undefined && { linkDevice }),
    ...(nodeDevice !== undefined && { nodeDevice }),
    ...(holder !== undefined && { holder }),
    matches: linkDevice !== undefined && linkDevice === nodeDevice,
  };
}

/**
 * The name of the macvtap of that number in the namespace of this sysfs; undefined when it has none. Unlike a request to
 * the kernel it does not wait for the network lock, which deletions hold for a millisecond each.
 */
export function readTapLinkName(ifindex: number, sysRoot = '/sys'): string | undefined {
  // …/net/<name>/macvtap/tap<ifindex>: the device's parent is the link's (macvtap_device_event, drivers/net/macvtap.c).
  const path = `${sysRoot}/class/macvtap/tap${ifindex}`;
  const target = absentWhenMissing(path, () => readlinkSync(path));
  return target === undefined ? undefined : basename(dirname(dirname(target)));
}

/**
 * Who may open the node of a tap; undefined where there is none.
 *
 * @example '107:107 660'
 */
export function readTapAccess(path: string): string | undefined {
  const node = lookAt(path);
  return node && `${node.uid}:${node.gid} ${(node.mode & 0o777).toString(8)}`;
}

function readLinkDevice(sysRoot: string, ifindex: number): string | undefined {
  // Made by macvtap_device_event, drivers/net/macvtap.c.
  const path = `${sysRoot}/class/macvtap/tap${ifindex}/dev`;
  if (lookAt(path) === undefined) return undefined;
  return absentWhenMissing(path, () => readFileSync(path, 'utf8'))?.trim();
}

/**
 * Links of other namespaces are not in this one's `class/macvtap`, but the kernel's list of devices has them all, and says
 * where they hang: `…/net/net1/macvtap/tap7`.
 */
function readHolder(sysRoot: string, device: string): TapHolder | undefined {
  const path = `${sysRoot}/dev/char/${device}`;
  const target = absentWhenMissing(path, () => readlinkSync(path));
  const [, name, ifindex] = /\/net\/([^/]+)\/macvtap\/tap(\d+)$/.exec(target ?? '') ?? [];
  return name === undefined ? undefined : { name, ifindex: Number(ifindex) };
}

function readNodeDevice(path: string): string | undefined {
  const node = lookAt(path);
  return node?.isCharacterDevice() ? formatDevice(node.rdev) : undefined;
}

/** glibc's gnu_dev_major and gnu_dev_minor (sys/sysmacros.h), as far as 32 bits go. */
function formatDevice(rdev: number): string {
  return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`;
}

/** What is not there costs no error, which would take longer to make than the look does. */
function lookAt(path: string): Stats | undefined {
  return absentWhenMissing(path, () => statSync(path, { throwIfNoEntry: false }));
}
