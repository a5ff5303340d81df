// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from './cluster.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installFromSource } from './install/install-from-source.ts';
import type { Installation } from './install/installation.ts';
import { seedNodes } from './seed-nodes.ts';

/** The proposal's three hosts, with everything of ours installed. */
export interface MacvtapCluster extends Cluster, Installation {}

/** Lives as long as the tests of a file run. */
export async function macvtapClusterOfFile(): Promise<MacvtapCluster> {
  const cluster = await clusterOfFile(seedNodes);
  return { ...cluster, ...(await installFromSource(cluster)) };
}
