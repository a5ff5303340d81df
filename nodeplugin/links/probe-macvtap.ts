// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { Links } from './links.ts';

/** No link has the greatest number that the kernel's int can hold, unless somebody asked for it. */
const noLink = 0x7fff_ffff;

/**
 * Whether the kernel can make a macvtap; one that has it as a module loads it. Asks for one on a parent that does not
 * exist: the kernel looks for the link kind first (EOPNOTSUPP), for the parent second (ENODEV), and nothing is made.
 * Raises `MissingCapability` and what else creation raises.
 */
export async function probeMacvtap(links: Pick<Links, 'createMacvtap'>, signal?: AbortSignal): Promise<boolean> {
  try {
    await links.createMacvtap({ name: 'mvtprobe', parentIfindex: noLink, mode: 'bridge' }, signal);
  } catch (thrown) {
    if (thrown instanceof MacvtapError && thrown.code === 'ParentGone') return true;
    if (thrown instanceof MacvtapError && thrown.code === 'MacvtapUnsupported') return false;
    throw thrown;
  }
  throw new MacvtapError(
    'Unexpected',
    `a link with ifindex ${noLink} exists and now has the macvtap mvtprobe; delete it`,
  );
}
