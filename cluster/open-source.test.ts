// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startApiServer } from '../test/apiserver-standin/start-api-server.ts';
import { ManifestsDirectory, until } from '../test/fixtures/manifests-directory.ts';
import { kubeconfigFor } from '../test/process/reach-from-namespace.ts';
import { sourceFlags } from './common-flags.ts';
import { openSource } from './open-source.ts';

const namespace = 'macvtap-cni';
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1' } };
const read = (text: string) => sourceFlags.source.read(text);

describe('--source', () => {
  it('is the cluster or a directory, and nothing else', () => {
    assert.deepEqual(read('cluster'), { value: { kind: 'cluster' } });
    assert.deepEqual(read('manifests:a:b'), { value: { kind: 'manifests', directory: 'a:b' } });
    for (const text of ['', 'Cluster', 'manifests', 'manifests:', 'file:x']) assert.ok('fault' in read(text), text);
  });

  it('opens a directory of manifests', async () => {
    await using directory = await ManifestsDirectory.make({ 'a.json': JSON.stringify(node) });
    const source = { kind: 'manifests', directory: directory.path } as const;
    await using opened = await openSource({ source, kubeconfig: undefined, namespace });
    assert.ok(opened.snapshot.nodes.has('h1'));
    assert.equal(opened.origin.kind, 'manifests');
  });

  it('opens a cluster by a kubeconfig, whole or for one node, and ends with its connection', async () => {
    await using server = await startApiServer();
    server.store.put(node);
    await using directory = await ManifestsDirectory.make();
    const kubeconfig = join(directory.path, 'config');
    await writeFile(kubeconfig, kubeconfigFor(server.url, { 'insecure-skip-tls-verify': true }));
    const flags = { source: { kind: 'cluster' }, kubeconfig, namespace } as const;
    for (const options of [{}, { node: 'h1' }]) {
      await using opened = await openSource(flags, options);
      await until(opened, ({ synced }) => synced);
      assert.ok(opened.snapshot.nodes.has('h1'));
      assert.equal(opened.origin.kind, 'cluster');
    }
    await assert.rejects(openSource({ ...flags, kubeconfig: '/nowhere' }), { code: 'ApiServerUnknown' });
  });
});

describe('look-ups in a directory', () => {
  it('fail while it cannot be read', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    await rename(directory.path, `${directory.path}.away`);
    const { signal } = new AbortController();
    await assert.rejects(source.lookups.policies(signal), { code: 'LookupFailed', message: /check the path/ });
    await rename(`${directory.path}.away`, directory.path);
    assert.deepEqual(await source.lookups.policies(signal), []);
  });

  it('see what is there when they are asked, also many at once', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    const { signal } = new AbortController();
    const ask = (name: string) => source.lookups.namespace(name, signal);
    for (const round of ['a', 'b', 'c']) {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: round, labels: { round } } };
      await directory.write(`${round}.json`, JSON.stringify(object));
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(round)));
      assert.ok(answers.every((labels) => labels?.round === round));
    }
  });
});
