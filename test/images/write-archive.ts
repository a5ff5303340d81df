// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import type { Buildah } from './run-buildah.ts';

/** Moves an image out of buildah's storage, where each has a copy of its base, into a docker archive that holds it by name. */
export async function writeArchive(buildah: Buildah, name: string, archive: string): Promise<void> {
  // It adds to one that is there.
  await rm(archive, { force: true });
  await buildah.run('push', '--quiet', name, `docker-archive:${archive}:${name}`);
  await buildah.run('rmi', '--force', name);
}
