// SPDX-License-Identifier: Apache-2.0
import { clusterOfFile } from '../cluster/cluster-of-file.ts';
import { installByHelm } from '../cluster/install/install-by-helm.ts';
import { ownImages } from '../cluster/install/own-images.ts';
import { installationNamespace } from '../cluster/install/release.ts';
import { installKubeVirt } from '../cluster/kubevirt/install-kubevirt.ts';
import type { MacvtapCluster } from '../cluster/macvtap-cluster-of-file.ts';
import { untilAllocatable } from '../cluster/resources.ts';
import { seedNodes } from '../cluster/seed-nodes.ts';
import { createProgress } from '../demo/progress.ts';
import { ensureKubeVirt, type KubeVirtImages } from '../images/kubevirt/ensure-kubevirt.ts';
import { applyQuickStart } from './launcher-pod.ts';

/** A cluster of two nodes with the chart, KubeVirt, and the networks `bonded` and `dataplane`. */
export interface KubeVirtCluster extends MacvtapCluster {
  readonly images: KubeVirtImages;
}

/**
 * The resource `bonded` on the wire that both nodes share. The webhook adds the resource of the same name to the
 * network.
 */
const bonded = [
  {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name: 'bonded', namespace: installationNamespace },
    spec: { resourceName: 'bonded', parentSelector: [{ parentIface: 'bond1', quantity: 10 }] },
  },
  {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'bonded', namespace: 'default' },
    spec: { config: '{"type": "macvtap"}' },
  },
];

/** Brings up the cluster for the tests of a file. Prints each step, because all steps together take minutes. */
export async function kubeVirtClusterOfFile(): Promise<KubeVirtCluster> {
  const print = (line: string) => console.error(line);
  // The images are built before the cluster exists, because a build takes minutes and much memory.
  const own = await ownImages(print);
  const images = await ensureKubeVirt(print);
  const nodes = seedNodes.filter(({ labels }) => labels.macvtapAware === 'true');
  const cluster = await clusterOfFile(nodes, { images: [...own, images.parts, images.guest] });
  const progress = createProgress(print, new AbortController().signal);
  const installation = await progress.step('the chart is installed', () =>
    // Only the tests of DRA set the label.
    installByHelm(cluster, { node: { allocationByLabel: true } }),
  );
  await installKubeVirt(cluster, images, 'webhook', progress);
  await applyQuickStart(cluster, 'policy', 'network');
  await cluster.apply(bonded);
  await untilAllocatable(cluster, Object.fromEntries(nodes.map(({ name }) => [name, { bonded: 10, dataplane: 10 }])));
  return { ...cluster, ...installation, images };
}
