// SPDX-License-Identifier: Apache-2.0

import { clusterOfFile } from '../cluster/cluster-of-file.ts';
import { loadImage } from '../cluster/images/load-image.ts';
import { installByHelm } from '../cluster/install/install-by-helm.ts';
import { ownImages } from '../cluster/install/own-images.ts';
import { installationNamespace } from '../cluster/install/release.ts';
import type { NodeSpec } from '../cluster/layout.ts';
import { readNIC } from '../cluster/machine/nics.ts';
import { ensureRootImage } from '../cluster/machine/root-image.ts';
import type { MacvtapCluster } from '../cluster/macvtap-cluster-of-file.ts';

/** The node under test, which is a machine. */
export const machine = 'm1';

/** A node of namespaces, whose NICs are on the wires of the machine's. */
export const peer = 'h1';

const aware = { macvtapAware: 'true' } as const;

const nics = [
  'bond1=802.3ad:e1000e@0,e1000e@1',
  'bond2=active-backup:virtio,virtio',
  'eth1=virtio@1',
  'eth2=vmxnet3@1',
  'eth3=e1000e@0',
].map(readNIC);

const nodes: readonly NodeSpec[] = [
  { name: peer, labels: aware, interfaces: ['bond1', 'bond2', 'eth3'] },
  { name: machine, labels: aware, interfaces: nics.map(({ name }) => name), machine: { nics } },
];

/**
 * The webhook runs on the real processors, so that its answers do not wait for emulated ones. The grace period is long
 * enough for an allocation there, and tests wait for its end.
 */
const values = {
  node: { extraArgs: ['--held-refresh=1s', '--orphan-grace=20s'] },
  webhook: { replicas: 1, nodeSelector: { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': peer } },
};

/**
 * Brings up a cluster of one machine and one other node for the tests of a file, with the chart installed. `node` has
 * further values of the node plugin.
 */
export async function machineClusterOfFile(node: object = {}): Promise<MacvtapCluster> {
  const print = (line: string) => console.error(line);
  // Built before the cluster exists, because a build takes minutes and much memory.
  await ensureRootImage({ print });
  const images = await ownImages(print);
  // Only the node of the webhook gets the webhook's image: the machine needs half a minute to unpack one.
  const [ofWebhook, ofNodes] = [true, false].map((is) => images.filter(({ name }) => /webhook:/.test(name) === is));
  const cluster = await clusterOfFile(nodes, { images: ofNodes ?? [] });
  for (const { path, name } of ofWebhook ?? []) await loadImage(peer, path, name);
  return { ...cluster, ...(await installByHelm(cluster, { ...values, node: { ...values.node, ...node } })) };
}

/** A policy for some nodes, with these entries. */
export function policy(name: string, hostnames: readonly string[], parentSelector: readonly object[]): object {
  return {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name, namespace: installationNamespace },
    spec: {
      nodeAffinity: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: hostnames }] },
        ],
      },
      parentSelector,
    },
  };
}

/** A network for a resource, of the same name by default. Multus refuses names with a dot. */
export function network(resource: string, name = resource): object {
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: {
      name,
      namespace: 'default',
      annotations: { 'k8s.v1.cni.cncf.io/resourceName': `macvtap.network.kubevirt.io/${resource}` },
    },
    spec: { config: '{"cniVersion": "1.0.0", "type": "macvtap"}' },
  };
}

export async function deletePolicy({ mustKubectl }: MacvtapCluster, name: string): Promise<void> {
  await mustKubectl(['delete', 'macvtapnetworknodepolicy', name, '-n', installationNamespace]);
}
