// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from './cluster.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installByHelm } from './install/install-by-helm.ts';
import type { Installation } from './install/installation.ts';
import { ownImages } from './install/own-images.ts';
import { seedNodes } from './seed-nodes.ts';

/** The proposal's three hosts, with everything of ours installed. */
export interface MacvtapCluster extends Cluster, Installation {}

/** Lives as long as the tests of a file run. Values are those that differ from what every cluster here is told. */
export async function macvtapClusterOfFile(values: object = {}): Promise<MacvtapCluster> {
  // Before there is a cluster: to build takes a minute, and much memory.
  const images = await ownImages(() => {});
  const cluster = await clusterOfFile(seedNodes, { images });
  return { ...cluster, ...(await installByHelm(cluster, values)) };
}
