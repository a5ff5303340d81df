// SPDX-License-Identifier: Apache-2.0
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';
import { kubeletSocketName } from './v1beta1.ts';

/** Which run of kubelet made the socket that is there now, or why there is none. */
export type Sighting =
  | { readonly incarnation: string; readonly absence?: undefined }
  | { readonly incarnation?: undefined; readonly absence: MacvtapError };

/**
 * Looks for kubelet's registration socket. The inode's number alone does not tell two runs apart (file systems hand the
 * same one out again), so its change time, in nanoseconds, is part of the answer.
 *
 * @example { incarnation: '34:1181:1763900000000000000' }
 */
export async function readIncarnation(directory: string): Promise<Sighting> {
  const path = join(directory, kubeletSocketName);
  const seen = await statOrError(path);
  if (!(seen instanceof Error)) return { incarnation: `${seen.dev}:${seen.ino}:${seen.ctimeNs}` };
  const parent = await statOrError(directory);
  return { absence: parent instanceof Error ? directoryMissing(directory, parent) : socketMissing(path, seen) };
}

async function statOrError(path: string): Promise<BigIntStats | Error> {
  return stat(path, { bigint: true }).catch((thrown: unknown) => MacvtapError.from(thrown));
}

function directoryMissing(directory: string, cause: Error): MacvtapError {
  return new MacvtapError(
    'KubeletDirectoryMissing',
    `kubelet's device-plugin directory ${directory} cannot be read (${cause.message}); waiting for it: check that kubelet ` +
      'runs on this node, that --kubelet-dir is its directory, and that it is mounted into this container',
    { facts: { directory }, cause },
  );
}

function socketMissing(path: string, cause: Error): MacvtapError {
  return new MacvtapError(
    'KubeletSocketMissing',
    `kubelet's socket ${path} is not there (${cause.message}); waiting for it: check that kubelet runs on this node`,
    { facts: { path }, cause },
  );
}
