// SPDX-License-Identifier: Apache-2.0
import { readObject } from '../../cluster/objects/read-object.ts';
import { buildNodeState } from '../../cluster/report/node-plugin/build-node-state.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import { readInterface } from '../../policy/plan/interfaces.ts';
import { planNode } from '../../policy/plan/plan-node.ts';
import type { ControlPlane } from '../apiserver/control-plane.ts';
import { installationNamespace } from '../apiserver/install.ts';
import { buildCluster } from '../bench/build-cluster.ts';
import { until } from '../process/until.ts';
import { eachAtOnce } from './each-at-once.ts';
import { startKwok } from './start-kwok.ts';

/** Nodes without machines: kwok plays their kubelets, and this module plays their node plugins. */
export interface PlayedNodes {
  /**
   * Lets every node report its resources under the current policies, as its plugin would. The reports are sent as fast
   * as the API server accepts them.
   */
  report(): Promise<void>;
}

const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
const states = `/apis/${apiVersion}/macvtapnetworknodestates`;
const atOnce = 16;
/** As the node plugin asks. */
const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
/** The longest wait until nodes are Ready. 5,000 nodes are Ready after about two minutes. */
const readyMs = 600_000;

/** Makes this many Nodes with 16 interfaces each, and waits until all of them are Ready. */
export async function playNodes(cluster: ControlPlane, count: number): Promise<PlayedNodes> {
  const { nodes, nodeStates } = buildCluster(count, 0);
  cluster.use(startKwok(cluster));
  await eachAtOnce(nodes, atOnce, ({ name, labels }) =>
    cluster.admin.must('POST', '/api/v1/nodes', { body: { metadata: { name, labels } } }),
  );
  const ready = () => cluster.mustKubectl(['get', 'nodes', '--no-headers']);
  await until(ready, (text) => text.split('\n').filter((line) => / Ready /.test(line)).length >= count, readyMs);
  const facts = nodes.map((node, index) => ({
    node,
    interfaces: (nodeStates[index]?.status?.interfaces ?? []).map(readInterface),
  }));
  const head = (name: string) => ({ apiVersion, kind: 'MacvtapNetworkNodeState', metadata: { name } });
  await eachAtOnce(nodes, atOnce, ({ name }) => cluster.admin.must('POST', states, { body: head(name) }));
  return {
    async report() {
      const policies = await readPolicies(cluster);
      await eachAtOnce(facts, atOnce, ({ node, interfaces }) => {
        const plan = planNode(node, interfaces, { policies, explicit: undefined, implicit: undefined });
        const served = plan.resources.map((resource) => ({ resource, held: 0, lost: 0 }));
        const status = buildNodeState({ node, plan, served, interfaces, policies, pluginVersion: '0.1.0' });
        return cluster.admin.must('PATCH', `${states}/${node.name}/status?fieldManager=kube-macvtap-nodeplugin`, {
          body: { ...head(node.name), status },
          contentType: 'application/apply-patch+yaml',
          accept: metadataOnly,
        });
      });
    },
  };
}

async function readPolicies(cluster: ControlPlane): Promise<readonly Policy[]> {
  const path = `/apis/${apiVersion}/namespaces/${installationNamespace}/macvtapnetworknodepolicies`;
  const { items } = await cluster.admin.must<{ items: readonly object[] }>('GET', path);
  return items.flatMap((item) => {
    const known = readObject({ ...item, apiVersion, kind: 'MacvtapNetworkNodePolicy' }, installationNamespace)?.known;
    return known?.kind === 'MacvtapNetworkNodePolicy' ? [known.value] : [];
  });
}
