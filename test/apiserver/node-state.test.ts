// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openApiClient } from '../../cluster/api/client.ts';
import { readObject } from '../../cluster/objects/read-object.ts';
import { buildNodeState } from '../../cluster/report/node-plugin/build-node-state.ts';
import { createApiWriter } from '../../cluster/report/node-plugin/node-state-writer.ts';
import { readInterface } from '../../policy/plan/interfaces.ts';
import { planNode } from '../../policy/plan/plan-node.ts';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installationNamespace, makeNode } from './install.ts';
import { podToken } from './pod-token.ts';

interface State {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly managedFields: readonly object[];
    readonly ownerReferences: readonly { readonly uid: string }[];
  };
  readonly status: object;
}

const path = '/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates/h1';
const cluster = await clusterOfFile();
const readState = () => cluster.admin.must<State>('GET', path);
const readUID = async () =>
  (await cluster.admin.must<{ metadata: { uid: string } }>('GET', '/api/v1/nodes/h1')).metadata.uid;
const signal = new AbortController().signal;

/** Creates a client with the identity of the node plugin of h1. */
async function openPluginClient() {
  const serviceAccount = 'kube-macvtap-nodeplugin';
  const token = await podToken(cluster, { namespace: installationNamespace, serviceAccount, node: 'h1' });
  return await openApiClient({ kubeconfig: await cluster.writeKubeconfig('plugin', token) });
}

interface CRDSpec {
  readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[];
}

interface Schema {
  readonly properties: Readonly<Record<string, Schema>>;
}

/** Returns the CRD as it was in an earlier version, in which the list of interfaces has a key. */
function withKeys(spec: CRDSpec): CRDSpec {
  const former = structuredClone(spec);
  const keyed = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };
  for (const { schema } of former.versions) {
    Object.assign(schema.openAPIV3Schema.properties.status?.properties.interfaces ?? {}, keyed);
  }
  return former;
}

/** Returns a node state with all possible content. */
function fullStatus(mtu: number) {
  const node = { name: 'h1', labels: {} };
  const interfaces = [
    readInterface({
      name: 'eth0',
      mtu,
      ifindex: 2,
      altNames: ['enp1'],
      addresses: ['192.0.2.1/24'],
      defaultRoute: true,
    }),
    readInterface({ name: 'eth1', carrier: false, master: { name: 'bond0', kind: 'bond' } }),
    readInterface({ name: 'bond0', kind: 'bond', carrier: false }),
  ];
  const implicit = { linkKinds: ['device', 'bond'], exclude: [] };
  const plan = planNode(node, interfaces, { policies: [], explicit: undefined, implicit });
  const elsewhere = [
    { parent: 'eth1', mode: 'bridge', held: 1 },
    { parent: 'eth1', mode: 'vepa', held: 1 },
  ] as const;
  const served = [
    ...plan.resources.map((resource) => ({ resource, held: 3, lost: 1, elsewhere })),
    { drains: 'old', parent: 'eth0', mode: 'vepa', held: 1 } as const,
    { drains: 'older', held: 1 },
  ];
  const troubles = ['MacvtapUnsupported'] as const;
  return buildNodeState({ node, plan, served, interfaces, policies: [], pluginVersion: '0.1.0', troubles });
}

describe("a node's state, written by its plugin with the plugin's rights", () => {
  it('is created, stored completely, and not written again without a change', async () => {
    await makeNode(cluster, 'h1');
    using client = await openPluginClient();
    const writer = createApiWriter(client, 'h1');
    await writer.write(fullStatus(1_500), { thorough: true, signal });
    const first = await readState();
    assert.deepEqual(first.status, JSON.parse(JSON.stringify(fullStatus(1_500))));
    assert.deepEqual(
      first.metadata.ownerReferences.map(({ uid }) => uid),
      [await readUID()],
    );
    await writer.write(fullStatus(1_500), { thorough: true, signal });
    assert.equal((await readState()).metadata.resourceVersion, first.metadata.resourceVersion);
    await writer.write(fullStatus(9_000), { thorough: false, signal });
    assert.deepEqual((await readState()).status, JSON.parse(JSON.stringify(fullStatus(9_000))));
  });

  it('gets the new owner reference after its Node was recreated, and is corrected after a manual change', async () => {
    await cluster.admin.must('DELETE', '/api/v1/nodes/h1');
    await makeNode(cluster, 'h1');
    using client = await openPluginClient();
    await cluster.admin.must('PATCH', `${path}/status`, {
      body: { status: { source: 'none', resources: [] } },
      contentType: 'application/merge-patch+json',
    });
    await createApiWriter(client, 'h1').write(fullStatus(1_500), { thorough: true, signal });
    const state = await readState();
    assert.deepEqual(state.status, JSON.parse(JSON.stringify(fullStatus(1_500))));
    assert.deepEqual(
      state.metadata.ownerReferences.map(({ uid }) => uid),
      [await readUID()],
    );
  });

  it('replaces a state that was written while the lists of the CRD still had keys', async () => {
    const crd =
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/macvtapnetworknodestates.macvtap.network.kubevirt.io';
    const now = await cluster.admin.must<{ spec: CRDSpec }>('GET', crd);
    const edit = (spec: object) =>
      cluster.admin.must('PATCH', crd, { body: { spec }, contentType: 'application/merge-patch+json' });
    using client = await openPluginClient();
    const writer = createApiWriter(client, 'h1');
    await edit(withKeys(now.spec));
    const owner = await until(
      async () => {
        await cluster.admin.must('DELETE', path);
        await writer.write(fullStatus(1_500), { thorough: true, signal });
        return JSON.stringify((await readState()).metadata.managedFields);
      },
      (fields) => fields.includes('eth1'),
    );
    assert.match(owner, /f:interfaces/);
    await edit(now.spec);
    let mtu = 1_500;
    await until(
      async () => {
        mtu += 1;
        await writer.write(fullStatus(mtu), { thorough: false, signal });
        return JSON.stringify((await readState()).metadata.managedFields);
      },
      (fields) => !fields.includes('eth1'),
    );
    assert.deepEqual((await readState()).status, JSON.parse(JSON.stringify(fullStatus(mtu))));
  });

  it('is stored if an interface is repeated, and then left out by its readers', async () => {
    using client = await openPluginClient();
    const interfaces = [{ name: 'eth0' }, { name: 'eth0', mtu: 9_000 }];
    await createApiWriter(client, 'h1').write({ interfaces }, { thorough: true, signal });
    const read = readObject(await readState(), installationNamespace);
    assert.deepEqual(read?.known, {
      kind: 'MacvtapNetworkNodeState',
      name: 'h1',
      leftOut: 'status.interfaces: two items have the same key; remove one',
    });
  });

  it('of another node is refused', async () => {
    await makeNode(cluster, 'h2');
    using client = await openPluginClient();
    await assert.rejects(createApiWriter(client, 'h2').write({}, { thorough: true, signal }), {
      code: 'ApiServerRefused',
      message: /403: .*only the state of its own node/,
    });
  });
});
