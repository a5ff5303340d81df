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

/** The resources of each host without a policy. */
export const implicitOffers = {
  h1: { bond1: 100, eth0: 100, eth1: 100 },
  h2: { bond1: 100, ens3: 100, ens4: 100, ens5: 100, ens6: 100 },
  h3: { eth0: 100, eth1: 100 },
} as const;

/** Deletes the policies and networks of earlier tests, and waits until nodes offer nothing of them. */
export async function clearSeed(cluster: Cluster): Promise<void> {
  await cluster.mustKubectl(['delete', 'macvtapnetworknodepolicies', '-n', 'macvtap-cni', '--all']);
  await cluster.mustKubectl(['delete', 'network-attachment-definitions', '-n', 'default', '--all']);
  await untilAllocatable(cluster, implicitOffers);
}

/** Applies the node-centric policy and the network, and waits until nodes offer the policy's resources. */
export async function applySeed(cluster: Cluster): Promise<void> {
  await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('node-centric'));
  await untilAllocatable(cluster, nodeCentric);
  await cluster.mustKubectl(['apply', '-n', 'default', '-f', '-'], seedNetwork);
}
