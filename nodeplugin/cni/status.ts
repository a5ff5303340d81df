// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { access, readFile, statfs } from 'node:fs/promises';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Links } from '../links/links.ts';
import { probeMacvtap } from '../links/probe-macvtap.ts';
import type { CNIContext } from './cni-context.ts';

/** Whether a pod could be attached now. Raises `CNINotReady` with every reason why not. */
export async function status({ troubles }: Pick<CNIContext, 'troubles'>): Promise<void> {
  const found = await troubles();
  if (found.length > 0) throw new MacvtapError('CNINotReady', `no pod can be attached now: ${found.join('; ')}`);
}

export interface Readiness {
  readonly links: Pick<Links, 'createMacvtap'>;
  readonly stateDirectory: string;
  /** Whether what the node offers was ever decided. */
  readonly isPlanKnown: () => boolean;
  /** @example '/proc/self/mountinfo' */
  readonly mountInfo?: string;
}

/** Looks at what an attachment needs: the kernel, the node's /dev, the ledger's file system, and a plan. */
export async function findTroubles({
  links,
  stateDirectory,
  isPlanKnown,
  mountInfo = '/proc/self/mountinfo',
}: Readiness): Promise<readonly string[]> {
  const troubles = await Promise.all([
    probeMacvtap(links).then(
      (isThere) => (isThere ? undefined : 'the kernel has no macvtap; load the module macvtap'),
      (thrown) => MacvtapError.from(thrown).message,
    ),
    findDevTrouble(mountInfo),
    findStateTrouble(stateDirectory),
    isPlanKnown() ? undefined : "what this node offers is not known yet; see the node plugin's log",
  ]);
  return troubles.filter((trouble) => trouble !== undefined);
}

/** The kernel makes the nodes of taps in a devtmpfs, and nowhere else. */
async function findDevTrouble(mountInfo: string): Promise<string | undefined> {
  const lines = (await readFile(mountInfo, 'utf8')).split('\n');
  // proc_pid_mountinfo(5): the mount point is the fifth field, the type follows the dash. The last mount covers the others.
  const dev = lines.findLast((line) => line.split(' ')[4] === '/dev');
  const type = dev?.split(' - ')[1]?.split(' ')[0];
  if (type === 'devtmpfs') return undefined;
  return `/dev is ${type === undefined ? 'no mount' : `a ${type}`}, and taps appear in a devtmpfs only; mount the node's /dev into the container`;
}

async function findStateTrouble(directory: string): Promise<string | undefined> {
  try {
    await access(directory, constants.W_OK);
    const { bavail } = await statfs(directory);
    return bavail > 0 ? undefined : `no space is left for the ledger in ${directory}; free some`;
  } catch (thrown) {
    return `the ledger cannot be written: ${(thrown as Error).message}; let the node plugin write in ${directory}`;
  }
}
