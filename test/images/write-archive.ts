// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import type { Buildah } from './run-buildah.ts';

/**
 * Moves an image from buildah's storage, where each image has a copy of its base, to a docker archive under its name.
 */
export async function writeArchive(buildah: Buildah, name: string, archive: string): Promise<void> {
  // Otherwise, `buildah push` would add to the existing archive.
  await rm(archive, { force: true });
  await buildah.run('push', '--quiet', name, `docker-archive:${archive}:${name}`);
  await buildah.run('rmi', '--force', name);
}
