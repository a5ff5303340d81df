// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { createMetrics } from '../runtime/metrics.ts';
import { startApiServer } from '../test/apiserver-standin/start-api-server.ts';
import { ManifestsDirectory, until } from '../test/fixtures/manifests-directory.ts';
import { kubeconfigFor } from '../test/process/reach-from-namespace.ts';
import { sourceFlags } from './cluster-flags.ts';
import { openSource, recordSource, sourceMetrics } from './open-source.ts';

const namespace = 'macvtap-cni';
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'h1' } };
const read = (text: string) => sourceFlags.source.read(text);

describe('--source', () => {
  it('accepts only the cluster or a directory', () => {
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

  it('opens a cluster with a kubeconfig, completely or for one node, and closes its connection', async () => {
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
  it('fail while the directory is unreadable', async () => {
    await using directory = await ManifestsDirectory.make();
    await using source = await directory.open();
    await rename(directory.path, `${directory.path}.away`);
    const { signal } = new AbortController();
    await assert.rejects(source.lookups.policies(signal), { code: 'LookupFailed', message: /check the path/ });
    await rename(`${directory.path}.away`, directory.path);
    assert.deepEqual(await source.lookups.policies(signal), []);
  });

  it('return the current content, even if there are many at once', async () => {
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

test('exactly the metrics of the table are registered, with their help texts', () => {
  const metrics = createMetrics();
  recordSource(metrics, () => undefined);
  const registered = metrics.getMetricsAsArray().map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), sourceMetrics);
});

test('without a source, nothing is synced and no kind has an age', async () => {
  const metrics = createMetrics();
  recordSource(metrics, () => undefined);
  const text = await metrics.metrics();
  assert.match(text, /^kube_macvtap_cache_synced 0$/m);
  assert.doesNotMatch(text, /^kube_macvtap_cache_age_seconds/m);
});

test('the age of a kind is the time since its last confirmation, or infinite without one', async () => {
  const metrics = createMetrics();
  const confirmedMs = new Map([
    ['Node', performance.now() - 90_000],
    ['Namespace', undefined],
  ]);
  recordSource(metrics, () => ({ synced: true, confirmedMs, faults: [{ where: 'Node a', message: 'm' }] }));
  const text = await metrics.metrics();
  assert.match(text, /^kube_macvtap_cache_synced 1$/m);
  assert.match(text, /^kube_macvtap_cache_faults 1$/m);
  assert.match(text, /^kube_macvtap_cache_age_seconds\{kind="Namespace"\} \+Inf$/m);
  const age = Number(/^kube_macvtap_cache_age_seconds\{kind="Node"\} (.*)$/m.exec(text)?.[1]);
  assert.ok(age >= 90, `${age}`);
});
