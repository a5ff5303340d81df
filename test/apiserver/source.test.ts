// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiSource } from '../../cluster/api/api-source.ts';
import { node, policy, testSourceContract, type WrittenObject } from '../contract/source-contract.ts';
import { until } from '../fixtures/manifests-directory.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace, makeNode } from './install.ts';
import { podToken } from './pod-token.ts';

const cluster = await clusterOfFile();

/**
 * Each test removes its objects, because all tests share one control plane. Namespaces stay, because no controller runs
 * their finalizer.
 */
testSourceContract('a real API server', { faultyPolicies: 'count as they are' }, async () => {
  const applied = new Map<string, WrittenObject>();
  const pathOf = ({ kind, metadata: { name } }: WrittenObject) => `${kind}/${name}`;
  const remove = async (object: WrittenObject) => {
    applied.delete(pathOf(object));
    await cluster.mustKubectl(['delete', '--ignore-not-found', '-f', '-'], JSON.stringify(object));
  };
  return {
    async apply(object) {
      applied.set(pathOf(object), object);
      await cluster.mustKubectl(['apply', '-f', '-'], JSON.stringify(object));
      if (object.status === undefined) return;
      const path = `/apis/${object.apiVersion}/macvtapnetworknodestates/${object.metadata.name}/status`;
      const body = { status: object.status };
      await cluster.admin.must('PATCH', path, { body, contentType: 'application/merge-patch+json' });
    },
    remove,
    open: () => openApiSource({ kubeconfig: cluster.kubeconfig, policyNamespace: 'macvtap-cni' }),
    async [Symbol.asyncDispose]() {
      for (const object of [...applied.values()]) if (object.kind !== 'Namespace') await remove(object);
    },
  };
});

const policyNamespace = installationNamespace;
const onParent = (parentIface: string) => policy('p', { parentSelector: [{ parentIface, mode: 'bridge' }] });

test('a restart of the API server and a compacted history are survived', async () => {
  await using source = await openApiSource({ kubeconfig: cluster.kubeconfig, policyNamespace });
  await apply(cluster, [node('before')]);
  await until(source, ({ snapshot }) => snapshot.nodes.has('before'));
  await cluster.stopApiServer();
  await until(source, ({ faults }) => faults.some(({ isOutage }) => isOutage));
  assert.ok(source.synced && source.snapshot.nodes.has('before'));
  await cluster.restartApiServer();
  await apply(cluster, [node('after'), onParent('eth0')]);
  await cluster.mustKubectl(['delete', 'node', 'before']);
  await cluster.etcd.compact();
  await until(source, ({ snapshot: { nodes, policies }, faults }) => {
    return nodes.has('after') && !nodes.has('before') && policies.length === 1 && faults.length === 0;
  });
  await cluster.mustKubectl(['delete', '-n', policyNamespace, 'mvnnp', 'p']);
});

test('the node plugin has the rights for everything that it reads', async () => {
  await makeNode(cluster, 'h1', { zone: 'a' });
  await makeNode(cluster, 'h2');
  await apply(cluster, [onParent('eth0')]);
  const serviceAccount = 'kube-macvtap-nodeplugin';
  const token = await podToken(cluster, { namespace: policyNamespace, serviceAccount, node: 'h1' });
  const kubeconfig = await cluster.writeKubeconfig('plugin', token);
  await using source = await openApiSource({ kubeconfig, policyNamespace, node: 'h1' });
  await until(source, ({ synced }) => synced);
  assert.deepEqual(source.faults, []);
  assert.deepEqual([...source.snapshot.nodes.keys()], ['h1']);
  assert.equal(source.snapshot.policies.length, 1);
});

test('the webhook has the rights for everything that it reads', async () => {
  const serviceAccount = 'kube-macvtap-webhook';
  const token = await podToken(cluster, { namespace: policyNamespace, serviceAccount, node: 'h1' });
  const kubeconfig = await cluster.writeKubeconfig('webhook', token);
  await using source = await openApiSource({ kubeconfig, policyNamespace });
  await until(source, ({ synced }) => synced);
  assert.deepEqual(source.faults, []);
  const { signal } = new AbortController();
  assert.ok((await source.lookups.namespace(policyNamespace, signal)) !== undefined);
  assert.equal((await source.lookups.policies(signal)).length, 1);
  assert.equal(await source.lookups.network(policyNamespace, 'gone', signal), undefined);
});
