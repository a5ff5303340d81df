// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManifestsDirectory } from '../../test/fixtures/manifests-directory.ts';
import { openManifestsView } from './open-view.ts';
import type { ObjectQuery } from './view.ts';

const pod = (namespace: string | undefined, name: string, app: string, nodeName: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...(namespace !== undefined && { namespace }), labels: { app } },
  spec: { nodeName },
});
const files = {
  'pods.json': JSON.stringify({ kind: 'List', items: [pod('vms', 'a', 'x', 'h1'), pod('vms', 'b', 'y', 'h2')] }),
  'more.json': JSON.stringify(pod(undefined, 'c', 'x', 'h2')),
  'broken.yaml': 'a: [',
  'other.yaml': 'apiVersion: metrics.k8s.io/v1\nkind: Pod\nmetadata: { name: a, namespace: vms }\n',
};

const queries: readonly [ObjectQuery, readonly string[]][] = [
  [{ kind: 'pods' }, ['c', 'a', 'b']],
  [{ kind: 'pods', namespace: 'vms' }, ['a', 'b']],
  [{ kind: 'pods', namespace: 'default' }, ['c']],
  [{ kind: 'pods', name: 'b' }, ['b']],
  [{ kind: 'pods', labels: { app: 'x' } }, ['c', 'a']],
  [{ kind: 'pods', namespace: 'vms', fields: { 'spec.nodeName': 'h2' } }, ['b']],
  [{ kind: 'events' }, []],
];

test('objects in files are selected as an API server would', async () => {
  await using directory = await ManifestsDirectory.make(files);
  await using view = await openManifestsView(directory.path, 'macvtap-cni');
  for (const [query, names] of queries) {
    const listed = (await view.list(query)) ?? [];
    assert.deepEqual(
      listed.map(({ metadata }) => metadata.name),
      names,
      JSON.stringify(query),
    );
  }
  assert.deepEqual(
    view.faults.map(({ where }) => where.split(',')[0]),
    ['broken.yaml'],
  );
});
