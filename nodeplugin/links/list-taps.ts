// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The device numbers of all macvtaps of an index, in whatever network namespace: the kernel's list of devices has them
 * all. More than one are twins, of which one at most has the node in /dev, and neither name nor index tells which.
 *
 * @example ['246:3']
 */
export function listTaps(
  ifindex: number,
  { sysRoot = '/sys', procRoot = '/proc' }: { readonly sysRoot?: string; readonly procRoot?: string } = {},
): readonly string[] {
  // alloc_chrdev_region of macvtap_init, drivers/net/macvtap.c: ` 246 macvtap`.
  const major = /^ *(\d+) macvtap$/m.exec(readFileSync(join(procRoot, 'devices'), 'utf8'))?.[1];
  const directory = join(sysRoot, 'dev/char');
  const taps = readdirSync(directory).filter((number) => number.startsWith(`${major}:`));
  return taps.filter((number) => targetOf(join(directory, number)).endsWith(`/macvtap/tap${ifindex}`));
}

function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // The tap went since.
    return '';
  }
}
