// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusterOfFile } from './cluster-of-file.ts';
import { installationNamespace, makeNode, makeServiceAccount } from './install.ts';
import { podToken, unboundToken } from './pod-token.ts';

const states = '/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates';
const serviceAccount = 'kube-macvtap-nodeplugin';

const cluster = await clusterOfFile();
for (const node of ['h1', 'h2']) await makeNode(cluster, node);
const plugin = cluster.clientFor(
  await podToken(cluster, { namespace: installationNamespace, serviceAccount, node: 'h1' }),
);
const unbound = cluster.clientFor(await unboundToken(cluster, installationNamespace, serviceAccount));

const stateOf = (name: string, fields: object = {}) => ({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodeState',
  metadata: { name },
  ...fields,
});
const status = { interfaces: [{ name: 'eth0' }] };
const merge = { contentType: 'application/merge-patch+json' };
const serverSide = { contentType: 'application/apply-patch+yaml' };

describe('the state of a node', () => {
  it("can be created and changed by the node's own plugin, in every way that RBAC permits", async () => {
    await plugin.must('POST', states, { body: stateOf('h1') });
    await plugin.must('PATCH', `${states}/h1/status`, { body: { status }, ...merge });
    await plugin.must('PATCH', `${states}/h1`, { body: { metadata: { labels: { a: 'b' } } }, ...merge });
    await plugin.must('PATCH', `${states}/h1/status?fieldManager=plugin&force=true`, {
      body: stateOf('h1', { status }),
      ...serverSide,
    });
  });

  it('of another node cannot be created, changed, or forged through its status by a plugin', async () => {
    await cluster.admin.must('POST', states, { body: stateOf('h2') });
    const tries = [
      plugin.call('POST', states, { body: stateOf('h3') }),
      plugin.call('PATCH', `${states}/h2/status`, { body: { status }, ...merge }),
      plugin.call('PATCH', `${states}/h2`, { body: { metadata: { labels: { a: 'b' } } }, ...merge }),
      plugin.call('PATCH', `${states}/h2/status?fieldManager=plugin&force=true`, {
        body: stateOf('h2', { status }),
        ...serverSide,
      }),
      plugin.call('PATCH', `${states}/h4?fieldManager=plugin&force=true`, { body: stateOf('h4'), ...serverSide }),
    ];
    for (const { status: code, body } of await Promise.all(tries)) {
      assert.equal(code, 403, JSON.stringify(body));
      assert.match(
        (body as { message: string }).message,
        /only the state of its own node.*state of h[234].*of node h1/,
      );
    }
    const left = await cluster.admin.must<{ metadata: { labels?: object }; status?: object }>('GET', `${states}/h2`);
    assert.deepEqual([left.metadata.labels, left.status], [undefined, undefined]);
  });

  it('cannot be written with a token that is bound to no node, even under a generated name', async () => {
    const made = stateOf('', { metadata: { generateName: 'h' } });
    for (const body of [stateOf('h1'), made]) {
      const { status: code, body: answer } = await unbound.call('POST', states, { body });
      assert.equal(code, 403);
      assert.match((answer as { message: string }).message, /bound to no node/);
    }
  });

  it('cannot be deleted by a plugin; it is deleted with its Node, which owns it', async () => {
    for (const path of [`${states}/h1`, `${states}/h2`, states]) {
      assert.equal((await plugin.call('DELETE', path)).status, 403);
    }
  });

  it('stays protected if another role grants the plugin more than the chart does', async () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'too-much' },
      rules: [{ apiGroups: ['macvtap.network.kubevirt.io'], resources: ['*'], verbs: ['*'] }],
    };
    await cluster.mustKubectl(['create', '-f', '-'], JSON.stringify(role));
    const subject = `--serviceaccount=${installationNamespace}:${serviceAccount}`;
    await cluster.mustKubectl(['create', 'clusterrolebinding', 'too-much', '--clusterrole=too-much', subject]);
    const found = await cluster.admin.must<object>('POST', states, { body: stateOf('h5') });
    const forged = await plugin.call('PUT', `${states}/h5/status`, { body: { ...found, status } });
    assert.equal(forged.status, 403);
    assert.match((forged.body as { message: string }).message, /own node/);
    for (const path of [`${states}/h5`, `${states}?fieldSelector=metadata.name=h5`]) {
      const { status: code, body } = await plugin.call('DELETE', path);
      assert.equal(code, 403);
      assert.match((body as { message: string }).message, /own node/);
    }
    assert.equal((await plugin.call('DELETE', `${states}/h1`)).status, 200);
  });

  it('can be written by an administrator, whose token is bound to no node', async () => {
    await cluster.admin.must('PATCH', `${states}/h2/status`, { body: { status }, ...merge });
    await cluster.admin.must('DELETE', `${states}/h2`);
  });

  it('cannot be written by another service account of the same namespace and node', async () => {
    await makeServiceAccount(cluster, installationNamespace, 'other');
    const options = { namespace: installationNamespace, serviceAccount: 'other', node: 'h1' };
    const other = cluster.clientFor(await podToken(cluster, options));
    assert.equal((await other.call('POST', states, { body: stateOf('h1') })).status, 403);
  });
});
