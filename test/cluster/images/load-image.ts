// SPDX-License-Identifier: Apache-2.0
import type { ClusterRecord } from '../cluster-record.ts';
import { inNode } from '../node/make-node-host.ts';
import { run } from '../run.ts';
import { baseImages } from './build-images.ts';

/**
 * Gives a node an image out of an archive (docker-archive or OCI), for pods with `imagePullPolicy: Never`. Raises when the
 * archive holds no image of that name.
 */
export async function loadImage(node: string, archive: string, name: string): Promise<void> {
  const ctr = async (...args: readonly string[]) =>
    await run(...(await inNode(node, ['ctr', '--namespace=k8s.io', 'images', ...args])));
  await ctr('import', '--snapshotter', 'overlayfs', archive);
  const names = (await ctr('list', '--quiet')).split('\n');
  if (!names.includes(name)) throw new Error(`${archive} brought ${node} no ${name}; it has ${names.join(', ')}`);
}

/** Gives a node the images that every node has, and those of its cluster. */
export async function loadImages(node: string, { images }: Pick<ClusterRecord, 'images'>): Promise<void> {
  for (const { path, name } of [...baseImages, ...images]) await loadImage(node, path, name);
}
