// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderChart } from '../chart/render-chart.ts';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace, makeNode } from './install.ts';
import { podToken, unboundToken } from './pod-token.ts';
import { isWebhookConfiguration } from './shipped-objects.ts';

const slices = '/apis/resource.k8s.io/v1/resourceslices';
const classes = '/apis/resource.k8s.io/v1/deviceclasses';
const driver = 'macvtap.network.kubevirt.io';
const serviceAccount = 'kube-macvtap-nodeplugin';

const cluster = await clusterOfFile();
await apply(
  cluster,
  renderChart({ values: { node: { allocation: 'DRA' } } }).filter((object) => !isWebhookConfiguration(object)),
);
for (const node of ['h1', 'h2']) await makeNode(cluster, node);
const clientOf = async (account: string, node: string) =>
  cluster.clientFor(await podToken(cluster, { namespace: installationNamespace, serviceAccount: account, node }));
const plugin = await clientOf(serviceAccount, 'h1');
const webhook = await clientOf('kube-macvtap-webhook', 'h1');
const unbound = cluster.clientFor(await unboundToken(cluster, installationNamespace, serviceAccount));

interface SliceFields {
  readonly node?: string | undefined;
  readonly pool?: string;
  readonly driver?: string;
}

const sliceOf = (name: string, { node = 'h1', pool = node, driver: of = driver }: SliceFields = {}) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  metadata: { name },
  spec: {
    driver: of,
    nodeName: node,
    pool: { name: pool, generation: 1, resourceSliceCount: 1 },
    devices: [{ name: 'data-0', attributes: { parent: { string: 'eth0' } } }],
  },
});
const relabelled = (object: object) => {
  const { metadata } = object as { metadata: object };
  return { ...object, metadata: { ...metadata, labels: { a: 'b' } } };
};
const merge = { contentType: 'application/merge-patch+json' };
const labelled = { body: { metadata: { labels: { a: 'b' } } }, ...merge };

// The API server enforces new admission policies and RBAC rules a moment after they are stored.
for (const [client, path, body] of [
  [unbound, slices, sliceOf('probe')],
  [webhook, classes, { metadata: { name: 'probe' }, spec: {} }],
] as const) {
  await until(
    async () => JSON.stringify((await client.call('POST', `${path}?dryRun=All`, { body })).body),
    (answer) => / writes only (ResourceSlices of its own node|DeviceClasses)/.test(answer),
  );
}

function assertDenied({ status, body }: { readonly status: number; readonly body: unknown }, message: RegExp): void {
  assert.equal(status, 403, JSON.stringify(body));
  assert.match((body as { message: string }).message, message);
}

describe('a ResourceSlice', () => {
  it("can be created, changed and deleted by the node's own plugin", async () => {
    await plugin.must('POST', slices, { body: sliceOf('h1-a') });
    const found = await cluster.admin.must<object>('GET', `${slices}/h1-a`);
    await plugin.must('PUT', `${slices}/h1-a`, { body: relabelled(found) });
    await plugin.must('DELETE', `${slices}/h1-a`);
  });

  it('of another node, another pool or another driver cannot be created by a plugin', async () => {
    assertDenied(await plugin.call('POST', slices, { body: sliceOf('a', { node: 'h2' }) }), /own node.*of node h1/);
    assertDenied(await plugin.call('POST', slices, { body: sliceOf('a', { pool: 'h2' }) }), /spec\.pool\.name/);
    const foreign = sliceOf('a', { driver: 'gpu.example.com' });
    assertDenied(await plugin.call('POST', slices, { body: foreign }), /spec\.driver/);
  });

  it('for all nodes cannot be created by a plugin', async () => {
    const { nodeName: _, ...spec } = sliceOf('a').spec;
    const body = { ...sliceOf('a'), spec: { ...spec, allNodes: true } };
    assertDenied(await plugin.call('POST', slices, { body }), /own node/);
  });

  it('of another node or driver cannot be changed, taken over or deleted by a plugin', async () => {
    await cluster.admin.must('POST', slices, { body: sliceOf('h2-a', { node: 'h2' }) });
    await cluster.admin.must('POST', slices, { body: sliceOf('h1-gpu', { driver: 'gpu.example.com' }) });
    for (const name of ['h2-a', 'h1-gpu']) {
      const path = `${slices}/${name}`;
      const found = await cluster.admin.must<ReturnType<typeof sliceOf>>('GET', path);
      assertDenied(await plugin.call('PUT', path, { body: relabelled(found) }), /own node|spec\.driver/);
      const taken = { ...found, spec: sliceOf(name).spec };
      // The API server also rejects this, because the driver, the node and the pool of a slice are immutable.
      assert.notEqual((await plugin.call('PUT', path, { body: taken })).status, 200);
      assertDenied(await plugin.call('DELETE', path), /own node|spec\.driver/);
      assert.notEqual((await plugin.call('DELETE', slices)).status, 200);
      await cluster.admin.must('GET', path);
    }
  });

  it('cannot be written with a token that is bound to no node', async () => {
    assertDenied(await unbound.call('POST', slices, { body: sliceOf('h1-b') }), /bound to no node/);
  });

  it('can be written by an administrator', async () => {
    await cluster.admin.must('PATCH', `${slices}/h2-a`, labelled);
  });
});

describe('a DeviceClass', () => {
  const classOf = (name: string, labels = { 'app.kubernetes.io/managed-by': 'kube-macvtap' }) => ({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    metadata: { name, labels },
    spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] },
  });

  it("with the driver's name can be created, changed and deleted by the webhook", async () => {
    const name = `data.${driver}`;
    await webhook.must('POST', classes, { body: classOf(name) });
    await webhook.must('PATCH', `${classes}/${name}`, labelled);
    await webhook.must('DELETE', `${classes}/${name}`);
  });

  it('with another name cannot be written by the webhook', async () => {
    assertDenied(await webhook.call('POST', classes, { body: classOf('gpu.example.com') }), /end with/);
    await cluster.admin.must('POST', classes, { body: classOf('gpu.example.com') });
    assertDenied(await webhook.call('DELETE', `${classes}/gpu.example.com`), /end with/);
  });

  it('of another owner cannot be changed or deleted by the webhook', async () => {
    const path = `${classes}/other.${driver}`;
    await cluster.admin.must('POST', classes, {
      body: classOf(`other.${driver}`, { 'app.kubernetes.io/managed-by': 'Helm' }),
    });
    const adopting = { body: { metadata: { labels: { 'app.kubernetes.io/managed-by': 'kube-macvtap' } } }, ...merge };
    assertDenied(await webhook.call('PATCH', path, adopting), /managed-by/);
    assertDenied(await webhook.call('DELETE', path), /managed-by/);
  });

  it('cannot be written by a node plugin', async () => {
    assert.equal((await plugin.call('POST', classes, { body: classOf(`data.${driver}`) })).status, 403);
  });
});
