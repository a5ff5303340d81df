// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { openManifestsView } from '../view/open-view.ts';
import type { View } from '../view/view.ts';
import { collectBundle } from './collect-bundle.ts';

const apiVersion = 'resource.k8s.io/v1';
const driver = 'macvtap.network.kubevirt.io';
const labels = { 'app.kubernetes.io/part-of': 'kube-macvtap' };
const opaque = { driver: 'gpu.example.com', parameters: { licence: 'private-text' } };
const gpu = { request: 'gpu', driver: 'gpu.example.com', pool: 'h1', device: 'gpu-0' };
const nic = { request: 'nic/fast', driver, pool: 'h1', device: 'data-0' };
const annotations = { 'example.com/note': 'private-text' };
const claim = (name: string, ...results: readonly object[]) => ({
  apiVersion,
  kind: 'ResourceClaim',
  metadata: { name, namespace: 'vms', annotations },
  spec: { devices: { requests: [{ name: 'nic' }, { name: 'gpu' }], config: [{ opaque }] } },
  status: {
    allocation: { devices: { results, config: [{ opaque }] } },
    reservedFor: [{ resource: 'pods', name: 'vm-a', uid: 'p1' }],
  },
});
const slice = (name: string, of: string) => ({
  apiVersion,
  kind: 'ResourceSlice',
  metadata: { name },
  spec: { driver: of, pool: { name: 'h1' }, devices: [{ name: 'data-0' }] },
});
const objects = [
  slice('own', driver),
  slice('foreign', 'gpu.example.com'),
  { apiVersion, kind: 'DeviceClass', metadata: { name: `data.${driver}`, labels }, spec: {} },
  { apiVersion, kind: 'DeviceClass', metadata: { name: 'gpu.example.com' }, spec: {} },
  claim('both', gpu, nic),
  claim('gpu-only', gpu),
  claim('not-allocated'),
];

async function collect(change: (view: View) => View = (view) => view): Promise<ReadonlyMap<string, string>> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'macvtap-bundle-'));
  await writeFile(join(folder.path, 'all.yaml'), objects.map((object) => stringify(object)).join('---\n'));
  await using view = await openManifestsView(folder.path, 'macvtap-cni');
  const progress = { begin: () => ({ update() {}, [Symbol.dispose]() {} }) };
  const files = await collectBundle(change(view), undefined, progress);
  return new Map(files.map(({ name, text }) => [name, text]));
}

describe('a bundle', () => {
  it('has the slices, classes and claims of the DRA driver, and nothing of other drivers', async () => {
    const files = await collect();
    const read = (name: string) => parse(files.get(name) ?? '');
    assert.deepEqual(
      ['resource-slices.yaml', 'device-classes.yaml', 'resource-claims.yaml'].map((name) =>
        read(name).map(({ metadata }: (typeof objects)[number]) => metadata.name),
      ),
      [['own'], [`data.${driver}`], ['both']],
    );
    assert.deepEqual(read('resource-slices.yaml')[0].spec.devices, [{ name: 'data-0' }]);
    const [{ spec, status }] = read('resource-claims.yaml');
    assert.deepEqual([spec, status.results], [{ requests: [{ name: 'nic' }] }, [nic]]);
    assert.equal(status.reservedFor[0].name, 'vm-a');
    assert.doesNotMatch([...files.values()].join('\n'), /private-text|gpu/);
  });

  it('does not note that a cluster has no DRA', async () => {
    const absent = { message: 'the cluster has no such kind', isAbsent: true } as const;
    const missing = [
      { what: 'ResourceSlices', ...absent },
      { what: 'NetworkAttachmentDefinitions', ...absent },
    ];
    const files = await collect((view) => ({ ...view, missing }));
    assert.match(files.get('notes.txt') ?? '', /^NetworkAttachmentDefinitions: not read/m);
    assert.doesNotMatch(files.get('notes.txt') ?? '', /ResourceSlices/);
  });
});
