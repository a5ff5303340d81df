// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../run.ts';

export interface ImageContent {
  /** What is at / in the image. */
  readonly root: string;
  /** `localhost/pause:1` */
  readonly name: string;
  readonly entrypoint: readonly string[];
  readonly environment?: readonly string[];
}

/** Numbers of owners and times would tell where an image was made. */
const plain = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'] as const;

/**
 * Writes an image of one layer as `docker save` does (docker-archive): the layer, the image's configuration under its
 * digest, and manifest.json, which names both.
 */
export async function writeImageArchive(target: string, image: ImageContent): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmtc-image-'));
  const layer = join(folder.path, 'layer.tar');
  await run('tar', ...plain, '-cf', layer, '-C', image.root, '.');
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Entrypoint: image.entrypoint, Env: image.environment ?? ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(await readFile(layer))}`] },
  });
  const configFile = `${sha256(config)}.json`;
  await writeFile(join(folder.path, configFile), config);
  const manifest = [{ Config: configFile, RepoTags: [image.name], Layers: ['layer.tar'] }];
  await writeFile(join(folder.path, 'manifest.json'), JSON.stringify(manifest));
  await mkdir(join(target, '..'), { recursive: true });
  await run('tar', ...plain, '-cf', target, '-C', folder.path, 'manifest.json', configFile, 'layer.tar');
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
