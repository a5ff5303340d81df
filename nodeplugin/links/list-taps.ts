// SPDX-License-Identifier: Apache-2.0
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { absentWhenMissing, readTapFile } from './read-tap-file.ts';

/**
 * The device numbers of all macvtaps of an index, in whatever network namespace: the kernel's list of devices has them
 * all. More than one are twins, of which one at most has the node in /dev, and neither name nor index tells which.
 * Takes a system call for each macvtap of the node. Raises `TapNodeUnreadable`.
 *
 * @example ['246:3']
 */
export function listTaps(
  ifindex: number,
  { sysRoot = '/sys', procRoot = '/proc' }: { readonly sysRoot?: string; readonly procRoot?: string } = {},
): readonly string[] {
  // alloc_chrdev_region of macvtap_init, drivers/net/macvtap.c: ` 246 macvtap`.
  const devices = readTapFile(`${procRoot}/devices`, (path) => readFileSync(path, 'utf8'));
  const major = /^ *(\d+) macvtap$/m.exec(devices)?.[1];
  if (major === undefined) return [];
  const directory = `${sysRoot}/dev/char`;
  const taps = readTapFile(directory, (path) => readdirSync(path)).filter((number) => number.startsWith(`${major}:`));
  // One that went since has no target.
  const targetOf = (number: string) => absentWhenMissing(`${directory}/${number}`, (path) => readlinkSync(path));
  return taps.filter((number) => targetOf(number)?.endsWith(`/macvtap/tap${ifindex}`));
}

/**
 * Tells a tap from another one that has its number later: sysfs counts its inodes on (kernfs_new_node, fs/kernfs/dir.c).
 * Undefined when it is gone. Raises `TapNodeUnreadable`.
 *
 * @example '246:3 6252879'
 */
export function identifyTap(number: string, sysRoot = '/sys'): string | undefined {
  const entry = absentWhenMissing(`${sysRoot}/dev/char/${number}`, (path) => lstatSync(path, { bigint: true }));
  return entry && `${number} ${entry.ino}`;
}
