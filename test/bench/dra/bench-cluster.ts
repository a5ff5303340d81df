// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DraDevice } from '../../../policy/plan/dra-devices.ts';
import { type ControlPlane, startControlPlane } from '../../apiserver/control-plane.ts';
import { apply, install, installationNamespace, makeNode } from '../../apiserver/install.ts';
import { podToken } from '../../apiserver/pod-token.ts';
import { isWebhookConfiguration } from '../../apiserver/shipped-objects.ts';
import { renderChart } from '../../chart/render-chart.ts';
import { kubeconfigFor, reachFromNamespace } from '../../process/reach-from-namespace.ts';
import { type BenchNode, makeBenchNode, type Offer } from '../bench-node.ts';
import type { ProgramForm } from '../program-form.ts';

/** A ResourceSlice, as far as the bench reads it. */
export interface BenchSlice {
  readonly spec: { readonly pool: { readonly generation: number }; readonly devices: readonly DraDevice[] };
}

/** A real API server with the chart's objects, and nodes that follow it with the chart's rights. */
export interface BenchCluster extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  /** Writes the only policy, which applies to all nodes. Resolves with its generation. */
  offer(offers: readonly Offer[], extra?: object): Promise<number>;
  /** Makes a node and starts its node plugin. */
  startNode(allocation: 'DevicePlugin' | 'DRA'): Promise<BenchNode>;
  slicesOf(node: string): Promise<readonly BenchSlice[]>;
}

const api = '/apis/macvtap.network.kubevirt.io/v1alpha1';
const policies = `${api}/namespaces/${installationNamespace}/macvtapnetworknodepolicies`;

/** Starts the cluster. The node plugins are started in the given form, and use the parent eth0. */
export async function startBenchCluster(form: ProgramForm): Promise<BenchCluster> {
  await using undo = new AsyncDisposableStack();
  const controlPlane = undo.use(await startControlPlane());
  await install(controlPlane);
  const shipped = renderChart({ values: { node: { allocation: 'DRA' } } });
  await apply(
    controlPlane,
    shipped.filter((object) => !isWebhookConfiguration(object)),
  );
  const { admin, caFile } = controlPlane;
  const scope = undo.move();
  const startNode = async (allocation: 'DevicePlugin' | 'DRA') => {
    const node = scope.use(await makeBenchNode(['eth0']));
    const { name, namespace, kubeletDirectory } = node.plugin;
    await makeNode(controlPlane, name);
    const token = await podToken(controlPlane, {
      namespace: installationNamespace,
      serviceAccount: 'kube-macvtap-nodeplugin',
      node: name,
    });
    const reach = scope.use(await reachFromNamespace(namespace, Number(new URL(controlPlane.server).port)));
    const server = { 'certificate-authority': caFile, 'tls-server-name': 'localhost' };
    const kubeconfig = join(kubeletDirectory, 'kubeconfig');
    await writeFile(kubeconfig, kubeconfigFor(`https://${reach.host}:${reach.port}`, server, { token }));
    const source = ['--source', 'cluster', '--kubeconfig', kubeconfig];
    const cdi = ['--cdi-dir', join(kubeletDirectory, 'cdi')];
    scope.use(node.start({ form, flags: [...source, '--allocation', allocation, ...cdi] }));
    return node;
  };
  return {
    controlPlane,
    async offer(parentSelector, extra = {}) {
      const nodeSelector = { matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] };
      const spec = { nodeSelector, parentSelector, ...extra };
      const found = await admin.call('GET', `${policies}/bench`);
      const isThere = found.status === 200;
      const { metadata = { name: 'bench' } } = isThere ? (found.body as { metadata: object }) : {};
      const body = { apiVersion: api.slice('/apis/'.length), kind: 'MacvtapNetworkNodePolicy', metadata, spec };
      const written = await admin.must<{ metadata: { generation: number } }>(
        isThere ? 'PUT' : 'POST',
        isThere ? `${policies}/bench` : policies,
        { body },
      );
      return written.metadata.generation;
    },
    startNode,
    async slicesOf(node) {
      const path = `/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3D${node}`;
      return (await admin.must<{ items: readonly BenchSlice[] }>('GET', path)).items;
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}
