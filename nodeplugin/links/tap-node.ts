// SPDX-License-Identifier: Apache-2.0
import { lstatSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { WantedLink } from '../../policy/device/decide-link.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { readEntries } from '../netlink/libc.ts';
import { IFF_UP } from '../netlink/link-message.ts';

/** The character device of a macvtap. A container may get it only if `matches` is true. */
export interface TapNode {
  /** @example '/dev/tap1073741950' */
  readonly path: string;
  /**
   * The device number of the link, `major:minor`. Absent if the network namespace that sysfs shows has no macvtap with
   * this index.
   */
  readonly linkDevice?: string;
  /** The inode number of the link's tap in sysfs, which never reuses one (kernfs_new_node, fs/kernfs/dir.c). */
  readonly linkInode?: number;
  /** The device number of the device node in /dev. Absent if that file does not exist or is not a character device. */
  readonly nodeDevice?: string;
  /** The macvtap to which the device node belongs. Absent if no macvtap has its device number. */
  readonly holder?: TapHolder;
  readonly matches: boolean;
}

/** A macvtap in any network namespace. */
interface TapHolder {
  readonly name: string;
  readonly ifindex: number;
}

/** The parts of a `TapNode` to read in addition to its device node. `linkOfNode` is the link if there is a node. */
export type TapPart = 'link' | 'linkOfNode' | 'holder';

const allParts: readonly TapPart[] = ['link', 'holder'];

/**
 * Compares the macvtap's character device in sysfs with its device node in /dev. They can differ, because all network
 * namespaces share /dev. The device node may belong to a link of another namespace. It is missing if it belonged to
 * such a link when this one was created, and that link is gone. Raises `TapNodeUnreadable`.
 *
 * `parts` limits what is read, because each part takes system calls. Without the part `link`, `matches` is false.
 */
export async function readTapNode(
  ifindex: number,
  parts = allParts,
  { sysRoot = '/sys', devRoot = '/dev' }: { readonly sysRoot?: string; readonly devRoot?: string } = {},
): Promise<TapNode> {
  const path = `${devRoot}/tap${ifindex}`;
  const nodeDevice = readNodeDevice(path);
  const isLinkRead = parts.includes('link') || (nodeDevice !== undefined && parts.includes('linkOfNode'));
  const link = isLinkRead ? readLinkDevice(sysRoot, ifindex) : undefined;
  const holder = nodeDevice !== undefined && parts.includes('holder') ? readHolder(sysRoot, nodeDevice) : undefined;
  return {
    path,
    ...link,
    ...(nodeDevice !== undefined && { nodeDevice }),
    ...(holder !== undefined && { holder }),
    matches: link !== undefined && link.linkDevice === nodeDevice,
  };
}

/**
 * Returns whether the macvtap of that name and index exists and is down. It reads the flags through the tap, so that
 * another link of that name does not count.
 */
export function isTapLinkDown({ name, ifindex }: Pick<WantedLink, 'name' | 'ifindex'>, sysRoot = '/sys'): boolean {
  const path = `${sysRoot}/class/net/${name}/macvtap/tap${ifindex}/device/flags`;
  // EINVAL: the kernel is removing the link, and its files exist for some more milliseconds (netdev_show,
  // net/core/net-sysfs.c).
  const flags = absentWhenMissing(path, () => readFileSync(path, 'utf8'), 'EINVAL');
  return flags !== undefined && (Number(flags) & IFF_UP) === 0;
}

/**
 * Returns the name of the macvtap with that index in the network namespace that sysfs shows, or undefined if there is
 * none. Unlike a netlink request, the call does not wait for the network lock (rtnl_lock), which each deletion holds
 * for a millisecond.
 */
export function readTapLinkName(ifindex: number, sysRoot = '/sys'): string | undefined {
  // The target is …/net/<name>/macvtap/tap<ifindex>, because the tap's device is a child of the link's device
  // (macvtap_device_event, drivers/net/macvtap.c).
  const path = `${sysRoot}/class/macvtap/tap${ifindex}`;
  const target = absentWhenMissing(path, () => readlinkSync(path));
  return target === undefined ? undefined : basename(dirname(dirname(target)));
}

/**
 * Returns the owner, group and mode of a tap's device node, or undefined if there is none.
 *
 * @example '107:107 660'
 */
export function readTapAccess(path: string): string | undefined {
  const node = lookAt(path);
  return node && `${node.uid}:${node.gid} ${(node.mode & 0o777).toString(8)}`;
}

function readLinkDevice(sysRoot: string, ifindex: number): Pick<TapNode, 'linkDevice' | 'linkInode'> | undefined {
  // The kernel creates the file in macvtap_device_event, drivers/net/macvtap.c.
  const path = `${sysRoot}/class/macvtap/tap${ifindex}/dev`;
  const linkInode = lookAt(path)?.ino;
  if (linkInode === undefined) return undefined;
  const linkDevice = absentWhenMissing(path, () => readFileSync(path, 'utf8'))?.trim();
  return linkDevice === undefined ? undefined : { linkDevice, linkInode };
}

/**
 * Finds the macvtap with a device number in any namespace. It uses `dev/char`, which contains symbolic links to the
 * devices of all namespaces: `…/net/net1/macvtap/tap7`. `class/macvtap` contains only the links of this namespace.
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

/** Formats a device number like glibc's gnu_dev_major and gnu_dev_minor (sys/sysmacros.h), limited to 32 bits. */
function formatDevice(rdev: number): string {
  return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`;
}

/**
 * Reads a file's status, or returns undefined if the file is absent. An absent file causes no error object, because
 * creating one would take longer than the call itself.
 */
function lookAt(path: string): Stats | undefined {
  return absentWhenMissing(path, () => statSync(path, { throwIfNoEntry: false }));
}

/** Lists the device numbers of all macvtaps that have the index, in all network namespaces. */
export type ListTaps = (ifindex: number) => readonly string[];

/** A macvtap's entry in sysfs. A later macvtap with the same device number has another inode number (`identifyTap`). */
interface TapEntry {
  readonly inode: number;
  readonly ifindex: number | undefined;
}

/**
 * Creates a function that lists taps. If several macvtaps have the index, at most one of them has the device node.
 * Neither name nor index shows which one it is. The function raises `TapNodeUnreadable`.
 *
 * The index of a macvtap that was already listed is known, because it never changes: the kernel makes a new entry for
 * each new index. Otherwise, each call would make a system call for each macvtap on the node.
 *
 * @example createTapLister()(1073741950) // ['246:3']
 */
export function createTapLister({ sysRoot = '/sys', procRoot = '/proc', devRoot = '/dev' } = {}): ListTaps {
  const directory = `${sysRoot}/dev/char`;
  let known: ReadonlyMap<string, TapEntry> = new Map();
  return (ifindex) => {
    const major = readNodeDevice(`${devRoot}/tap${ifindex}`)?.split(':')[0] ?? readMajor(procRoot);
    if (major === undefined) return [];
    const listed = new Map<string, TapEntry>();
    const found: string[] = [];
    for (const { name, inode } of readTapFile(directory, (path) => readEntries(path, `${major}:`))) {
      const before = known.get(name);
      const entry = before?.inode === inode ? before : { inode, ifindex: readIfindex(`${directory}/${name}`) };
      listed.set(name, entry);
      if (entry.ifindex === ifindex) found.push(name);
    }
    known = listed;
    return found;
  };
}

/** Reads the index of a macvtap. A macvtap that has disappeared in the meantime has none. */
function readIfindex(path: string): number | undefined {
  const target = absentWhenMissing(path, () => readlinkSync(path));
  const [, ifindex] = /\/macvtap\/tap(\d+)$/.exec(target ?? '') ?? [];
  return ifindex === undefined ? undefined : Number(ifindex);
}

/** Reads the major device number of macvtaps. It takes longer than a look at a device node. */
function readMajor(procRoot: string): string | undefined {
  // The line ` 246 macvtap` comes from alloc_chrdev_region in macvtap_init, drivers/net/macvtap.c.
  const devices = readTapFile(`${procRoot}/devices`, (path) => readFileSync(path, 'utf8'));
  return /^ *(\d+) macvtap$/m.exec(devices)?.[1];
}

/**
 * Returns a text that identifies a tap. A later tap with the same device number has a different text, because sysfs
 * never reuses inode numbers (kernfs_new_node, fs/kernfs/dir.c). Returns undefined if the tap is gone. Raises
 * `TapNodeUnreadable`.
 *
 * @example '246:3 6252879'
 */
export function identifyTap(number: string, sysRoot = '/sys'): string | undefined {
  const entry = absentWhenMissing(`${sysRoot}/dev/char/${number}`, (path) => lstatSync(path, { bigint: true }));
  return entry && `${number} ${entry.ino}`;
}

/**
 * Reads a path in sysfs, procfs or /dev. Raises `TapNodeUnreadable`. Reads synchronously: these file systems are in
 * memory, and a switch to another thread takes longer than the read.
 */
function readTapFile<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (thrown) {
    const { message } = thrown as NodeJS.ErrnoException;
    throw new MacvtapError(
      'TapNodeUnreadable',
      `cannot read ${path}: ${message}; mount /sys and /dev into the container`,
      { cause: thrown, facts: { path } },
    );
  }
}

/** Reads a path, or returns undefined if the path is absent or disappears. `removedCode` also means that. */
function absentWhenMissing<T>(path: string, read: (path: string) => T, removedCode?: string): T | undefined {
  return readTapFile(path, () => {
    try {
      return read(path);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      // ENODEV: the link disappeared between open and read.
      if (code === 'ENOENT' || code === 'ENODEV' || code === removedCode) return undefined;
      throw thrown;
    }
  });
}
