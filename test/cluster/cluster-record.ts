// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from '../control-plane/credentials.ts';
import type { ImageArchive } from './images/build-images.ts';
import { type NodePlan, paths } from './layout.ts';
import type { MultusKind } from './multus-kind.ts';

/** The facts that other processes need to reach a running cluster. */
export interface ClusterRecord extends Credentials {
  /** The port of its etcd on loopback. */
  readonly etcdPort: number;
  /** Images for each node, in addition to `baseImages`, which every cluster has. */
  readonly images: readonly ImageArchive[];
  readonly multus: MultusKind;
}

export async function writeClusterRecord(record: ClusterRecord): Promise<void> {
  await writeFile(paths.cluster, JSON.stringify(record), { mode: 0o600 });
}

/** Reads the record of the running cluster. Raises an error if no cluster runs. */
export async function readClusterRecord(): Promise<ClusterRecord> {
  if (!existsSync(paths.cluster)) throw new Error('no cluster is up: npm run cluster -- up');
  return JSON.parse(await readFile(paths.cluster, 'utf8')) as ClusterRecord;
}

export async function writeNodePlan(node: NodePlan): Promise<void> {
  await writeFile(planFile(node.name), JSON.stringify(node));
}

/** Returns the cluster's nodes, by number. */
export async function readNodePlans(): Promise<readonly NodePlan[]> {
  const names = existsSync(paths.nodes) ? await readdir(paths.nodes) : [];
  const plans = names.map((name) => planFile(name)).filter((path) => existsSync(path));
  const read = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as NodePlan;
  return (await Promise.all(plans.map(read))).toSorted((one, other) => one.number - other.number);
}

function planFile(name: string): string {
  return join(paths.nodes, name, 'node.json');
}
