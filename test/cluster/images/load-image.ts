// SPDX-License-Identifier: Apache-2.0
import type { ClusterRecord } from '../cluster-record.ts';
import { machinePlan } from '../machine/in-machine.ts';
import { inNode } from '../node/make-node-host.ts';
import { run } from '../run.ts';
import { baseImages } from './build-images.ts';

/**
 * Loads an image from an archive (docker-archive or OCI) into a node, for pods with `imagePullPolicy: Never`. Raises an
 * error if the archive contains no image with that name.
 */
export async function loadImage(node: string, archive: string, name: string): Promise<void> {
  const ctr = async (...args: readonly string[]) =>
    await run(...(await inNode(node, ['ctr', '--namespace=k8s.io', 'images', ...args])));
  const snapshotter = ['--snapshotter', 'overlayfs'];
  if (machinePlan(node) === undefined) await ctr('import', ...snapshotter, archive);
  else {
    const command = await inNode(node, ['ctr', '--namespace=k8s.io', 'images', 'import', ...snapshotter, '-']);
    await run('sh', '-c', 'exec "$@" <"$0"', archive, ...command);
  }
  const names = (await ctr('list', '--quiet')).split('\n');
  if (!names.includes(name))
    throw new Error(`${archive} does not contain ${name} for ${node}; it contains ${names.join(', ')}`);
}

/**
 * Loads images into a node: those that every cluster has, and the additional ones of this cluster. An archive may
 * contain several images.
 */
export async function loadImages(node: string, { images }: Pick<ClusterRecord, 'images'>): Promise<void> {
  const byPath = new Map([...baseImages, ...images].map(({ path, name }) => [path, name]));
  for (const [path, name] of byPath) await loadImage(node, path, name);
}
