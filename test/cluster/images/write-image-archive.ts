// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from '../run.ts';

export interface ImageContent {
  /** The folder at / in the image. */
  readonly root: string;
  /** `localhost/pause:1` */
  readonly name: string;
  readonly entrypoint: readonly string[];
  readonly environment?: readonly string[];
  /** Further names of the image, each with the user that its containers run as. */
  readonly users?: Readonly<Record<string, string>>;
  /** Keeps owners and file capabilities as they are below the root; else everything belongs to root. */
  readonly keepsOwners?: boolean;
}

/** Times and the names of owners would show where an image was made. */
const plain = ['--sort=name', '--mtime=@0', '--numeric-owner'] as const;
const ofRoot = ['--owner=0', '--group=0'] as const;
const asFound = ['--xattrs', '--xattrs-include=security.capability'] as const;

/**
 * Writes an image of one layer as `docker save` does (docker-archive): the layer, the image's configuration under its
 * digest, and manifest.json, which names both. All names of the image share the layer.
 */
export async function writeImageArchive(target: string, image: ImageContent): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmtc-image-'));
  const layer = join(folder.path, 'layer.tar');
  await run('tar', ...plain, ...(image.keepsOwners ? asFound : ofRoot), '-cf', layer, '-C', image.root, '.');
  const layerDigest = createHash('sha256');
  await pipeline(createReadStream(layer), layerDigest);
  const digest = layerDigest.digest('hex');
  const manifest: object[] = [];
  for (const [name, user] of Object.entries({ [image.name]: '', ...image.users })) {
    const config = configOf(image, user, digest);
    const configFile = `${createHash('sha256').update(config).digest('hex')}.json`;
    await writeFile(join(folder.path, configFile), config);
    manifest.push({ Config: configFile, RepoTags: [name], Layers: ['layer.tar'] });
  }
  await writeFile(join(folder.path, 'manifest.json'), JSON.stringify(manifest));
  await mkdir(join(target, '..'), { recursive: true });
  await run('tar', ...plain, ...ofRoot, '-cf', target, '-C', folder.path, ...(await readdir(folder.path)).toSorted());
}

function configOf({ entrypoint, environment = ['PATH=/bin'] }: ImageContent, user: string, layer: string): string {
  return JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: entrypoint, Env: environment, ...(user !== '' && { User: user }) },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  });
}
