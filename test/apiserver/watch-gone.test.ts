// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openApiSource } from '../../cluster/api/api-source.ts';
import type { LiveSource } from '../../cluster/source.ts';
import { until } from '../fixtures/manifests-directory.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installationNamespace, makeNode } from './install.ts';

const cluster = await clusterOfFile();

const names = ({ snapshot }: LiveSource) => [...snapshot.nodes.keys()].join();

it('a watch from before a compaction ends with 410, and a new list removes objects that vanished without an event', async () => {
  await makeNode(cluster, 'n1');
  await makeNode(cluster, 'n2');
  await using source = await openApiSource({ kubeconfig: cluster.kubeconfig, policyNamespace: installationNamespace });
  await until(source, () => names(source) === 'n1,n2');
  const { metadata } = await cluster.admin.must<{ metadata: { resourceVersion: string } }>('GET', '/api/v1/nodes');
  await cluster.stopApiServer();
  await cluster.etcd.remove('/registry/minions/n1');
  await cluster.etcd.compact();
  await cluster.restartApiServer();
  // Checks the precondition: a watch from that version fails.
  const watch = `/api/v1/nodes?watch=1&timeoutSeconds=2&resourceVersion=${metadata.resourceVersion}`;
  const { status, body } = await cluster.admin.call('GET', watch);
  assert.match(`${status} ${JSON.stringify(body)}`, /410/);
  await until(source, ({ faults }) => names(source) === 'n2' && faults.length === 0);
  await makeNode(cluster, 'n3');
  await until(source, () => names(source) === 'n2,n3');
});
