// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { nodeCentric } from '../demo/hosts.ts';
import type { Cluster } from './cluster.ts';
import { untilAllocatable } from './resources.ts';

const read = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8');

/** Returns the policies of the API proposal in their original text. */
export const seedPolicy = (form: 'node-centric' | 'resource-centric') => read(`seed/${form}/policy.yaml`);

/** The proposal's network, which uses `bondedIface`. */
export const seedNetwork = read('apiserver/seed-network.yaml');

/** Applies the node-centric policy and the network, and waits until nodes offer the policy's resources. */
export async function applySeed(cluster: Cluster): Promise<void> {
  await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('node-centric'));
  await untilAllocatable(cluster, nodeCentric);
  await cluster.mustKubectl(['apply', '-n', 'default', '-f', '-'], seedNetwork);
}
