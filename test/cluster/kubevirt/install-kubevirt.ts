// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Progress } from '../../demo/progress.ts';
import type { KubeVirtImages } from '../../images/kubevirt/ensure-kubevirt.ts';
import { readArchive } from '../../images/open-image.ts';
import { until } from '../../process/until.ts';
import type { Cluster } from '../cluster.ts';
import {
  type Injector,
  injection,
  kubeVirtNamespace,
  kubeVirtObject,
  namespaceObject,
  operatorObject,
} from './kubevirt-objects.ts';

/** The binding that users register with the command in the quick start. */
const binding = fileURLToPath(new URL('../../../docs/tutorial/quick-start/kubevirt.yaml', import.meta.url));

/** How long to wait for the operator, which needs more than a minute on two busy processors. */
const guardMs = 420_000;

interface KubeVirtStatus {
  readonly metadata: { readonly generation: number };
  readonly status?: { readonly phase?: string; readonly observedGeneration?: number };
}

interface NodeList {
  readonly items: readonly { readonly metadata: { readonly labels: Readonly<Record<string, string>> } }[];
}

/** Installs KubeVirt with its operator, and registers the binding `macvtap`. Nodes must already have the images. */
export async function installKubeVirt(
  cluster: Cluster,
  images: KubeVirtImages,
  injector: Injector,
  { step }: Pick<Progress, 'step'>,
): Promise<void> {
  await step('KubeVirt: the operator is created', async () => {
    await nameGuestByDigest(cluster, images);
    await cluster.apply([namespaceObject]);
    // The manifests are too large for the annotation of `apply`.
    await cluster.mustKubectl(['create', '-f', '-'], await readFile(images.manifests, 'utf8'));
    await cluster.apply([operatorObject(images)]);
    await cluster.mustKubectl(['wait', 'crd/kubevirts.kubevirt.io', '--for=condition=Established', '--timeout=50s']);
    await cluster.apply([kubeVirtObject(injector)]);
  });
  await step('KubeVirt: Deployed', () => untilDeployed(cluster));
  await step('KubeVirt: the binding macvtap is registered, nodes accept virtual machines', async () => {
    const patch = ['--type', 'merge', '--patch-file', binding];
    await cluster.mustKubectl(['patch', 'kubevirt', 'kubevirt', '-n', kubeVirtNamespace, ...patch]);
    await untilDeployed(cluster);
    await untilSchedulable(cluster);
  });
}

/** Changes which program adds resources, and waits until the operator has deployed the change. */
export async function setInjector(cluster: Cluster, injector: Injector): Promise<void> {
  const patch = JSON.stringify({ spec: { configuration: injection(injector) } });
  await cluster.mustKubectl(['patch', 'kubevirt', 'kubevirt', '-n', kubeVirtNamespace, '--type=merge', '-p', patch]);
  await untilDeployed(cluster);
}

/** Resolves when the operator has deployed the object's current generation. Fails with the state of its pods. */
async function untilDeployed(cluster: Cluster): Promise<void> {
  const path = `/apis/kubevirt.io/v1/namespaces/${kubeVirtNamespace}/kubevirts/kubevirt`;
  try {
    await until(
      () => cluster.admin.must<KubeVirtStatus>('GET', path),
      ({ metadata, status }) => status?.phase === 'Deployed' && status.observedGeneration === metadata.generation,
      guardMs,
    );
  } catch (thrown) {
    const { stdout } = await cluster.kubectl(['describe', 'pods', '-n', kubeVirtNamespace]);
    throw new Error(`KubeVirt is not deployed:\n${stdout}`, { cause: thrown });
  }
}

/** Waits until each node for virtual machines has the label with which virt-handler shows that it is ready. */
async function untilSchedulable(cluster: Cluster): Promise<void> {
  const query = new URLSearchParams({ labelSelector: 'macvtapAware=true' });
  await until(
    () => cluster.admin.must<NodeList>('GET', `/api/v1/nodes?${query}`),
    ({ items }) => items.every(({ metadata }) => metadata.labels['kubevirt.io/schedulable'] === 'true'),
    guardMs,
  );
}

/**
 * Gives the guest's image a second name on each node. The target pod of a migration refers to the image by the digest
 * of its configuration, which containerd reports as the image's ID. An image from a registry would already have that
 * name.
 */
async function nameGuestByDigest(cluster: Cluster, { guest }: KubeVirtImages): Promise<void> {
  const { Config: file } = await readArchive(guest.path);
  const digest = `sha256:${file.replace(/\.json$/, '')}`;
  const name = `${guest.name.replace(/:[^:]*$/, '')}@${digest}`;
  for (const node of await cluster.nodes()) {
    await cluster.run(node.name, 'ctr', '--namespace=k8s.io', 'images', 'tag', '--force', guest.name, name);
  }
}
