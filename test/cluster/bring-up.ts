// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryPath } from '../binaries/binary-path.ts';
import { programSets } from '../binaries/recipes.ts';
import type { Progress } from '../demo/progress.ts';
import { bringDown } from './bring-down.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { makeGroup } from './control-groups.ts';
import { buildImages, type ImageArchive } from './images/build-images.ts';
import { installBase } from './install-base.ts';
import { daemonGroup, type NodeSpec, paths } from './layout.ts';
import { makeMachineNetwork } from './machine-network.ts';
import { multusKind } from './multus-kind.ts';
import { startControllers, startControlPlane } from './start-control-plane.ts';

export interface ClusterOptions {
  /** Images for each node, in addition to `baseImages`, which every cluster has. */
  readonly images?: readonly ImageArchive[];
}

/**
 * Brings a cluster up, after it has removed the remains of an earlier one. The cluster's processes outlive this
 * process; `bringDown` ends them. Disposing of the result leaves the cluster up.
 */
export async function bringUp(
  nodes: readonly NodeSpec[],
  { step }: Progress,
  { images = [] }: ClusterOptions = {},
): Promise<Cluster> {
  assertTools();
  await step('the remains of an earlier cluster are removed', bringDown);
  for (const folder of [paths.logs, paths.processes, paths.nodes, paths.programs]) {
    await mkdir(folder, { recursive: true });
  }
  await makeGroup(daemonGroup);
  const built = [...programSets.cluster, 'helm' as const].filter((name) => existsSync(binaryPath(name)));
  for (const name of built) await symlink(binaryPath(name), join(paths.programs, name));
  await step('images for pods: pause, busybox', () => buildImages(() => {}));
  const record = await step('etcd and the API server are ready', async () => {
    await makeMachineNetwork();
    return await startControlPlane({ images, multus: multusKind() });
  });
  await using undo = new AsyncDisposableStack();
  const cluster = undo.use(await openCluster());
  await step("controllers and scheduler run, and Multus' objects exist", async () => {
    await startControllers(record);
    await installBase(cluster);
  });
  for (const node of nodes) await step(`${node.name} runs containerd and kubelet`, () => cluster.addNode(node));
  await step('every node is Ready', () => cluster.untilReady());
  undo.move();
  return cluster;
}

/** Raises an error with instructions if a program is missing on the machine. */
function assertTools(): void {
  if (process.getuid?.() !== 0) throw new Error('a cluster needs root: network namespaces, mounts, containers');
  const needed = { runc: 'runc', ip: 'iproute2', nsenter: 'util-linux', gcc: 'gcc libc6-dev', sysctl: 'procps' };
  const folders = (process.env.PATH ?? '').split(':');
  const missing = Object.entries(needed).filter(([name]) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length > 0) throw new Error(`missing; apt-get install ${missing.map(([, name]) => name).join(' ')}`);
}
