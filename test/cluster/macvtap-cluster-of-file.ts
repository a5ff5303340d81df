// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from './cluster.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installByHelm } from './install/install-by-helm.ts';
import type { Installation } from './install/installation.ts';
import { ownImages } from './install/own-images.ts';
import { seedNodes } from './seed-nodes.ts';

/** A cluster with the three hosts of the API proposal (test/fixtures/seed), in which the whole product is installed. */
export interface MacvtapCluster extends Cluster, Installation {}

/**
 * Brings up a cluster for all tests of a file. `values` are those that differ from the values of every test cluster.
 */
export async function macvtapClusterOfFile(values: object = {}): Promise<MacvtapCluster> {
  // The images are built before the cluster exists, because a build takes a minute and much memory.
  const images = await ownImages(() => {});
  const cluster = await clusterOfFile(seedNodes, { images });
  return { ...cluster, ...(await installByHelm(cluster, values)) };
}
