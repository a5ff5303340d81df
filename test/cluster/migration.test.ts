// SPDX-License-Identifier: Apache-2.0
// Runs the steps of docs/how-to/migrate.md on a node where macvtap-cni has run.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installByHelm } from './install/install-by-helm.ts';
import { ownImages } from './install/own-images.ts';
import { installationNamespace as namespace } from './install/release.ts';
import { deletePod, isReady, readPod, runPod } from './pods.ts';
import { untilAllocatable, untilHeld } from './resources.ts';
import { seedNodes } from './seed-nodes.ts';
import { type PodTap, readPodTap } from './taps.ts';
import { startUpstream } from './upstream/start-upstream.ts';

const images = await ownImages(() => {});
const cluster = await clusterOfFile(seedNodes.slice(0, 1), { images });
const guardMs = 120_000;

const resource = { name: 'dataplane', lowerDevice: 'eth0', mode: 'bridge', capacity: 3 } as const;
const limits = { 'macvtap.network.kubevirt.io/dataplane': '1' };
/** The config map from macvtap-cni's own docs. */
const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'macvtap-deviceplugin-config', namespace },
  data: { DP_MACVTAP_CONF: JSON.stringify([resource]) },
};
const network = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: {
    name: 'dataplane',
    namespace: 'default',
    annotations: { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/dataplane' },
  },
  spec: { config: '{ "cniVersion": "0.3.1", "name": "dataplane", "type": "macvtap", "mtu": 1500 }' },
};

describe('on a cluster where macvtap-cni has run', () => {
  let old: PodTap;

  before(async () => {
    await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, configMap, network]);
    await using _upstream = await startUpstream(cluster, 'h1', resource);
    await untilAllocatable(cluster, { h1: { dataplane: 3 } });
    await runPod(cluster, { name: 'old', node: 'h1', networks: 'dataplane', limits });
    old = await readPodTap(cluster, 'old');
  });

  it('the product works with its config map, networks and pods, and a running pod keeps its link', async () => {
    await installByHelm(cluster);
    await untilAllocatable(cluster, { h1: { dataplane: 3 } });
    await untilHeld(cluster, 'h1', 'dataplane', 1);
    await runPod(cluster, { name: 'new', node: 'h1', networks: 'dataplane', limits });
    assert.notEqual((await readPodTap(cluster, 'new')).path, old.path);
    assert.deepEqual(await readPodTap(cluster, 'old'), old);
    assert.ok(isReady(await readPod(cluster, 'old')));
  });

  it('an existing pod is deleted cleanly, and its device is allocated again', async () => {
    await deletePod(cluster, 'old');
    await untilHeld(cluster, 'h1', 'dataplane', 1);
    await until(
      async () => existsSync(old.path),
      (exists) => !exists,
      guardMs,
    );
    const names = ['second', 'third'];
    for (const name of names) await runPod(cluster, { name, node: 'h1', networks: 'dataplane' });
    const taps = await Promise.all(['new', ...names].map((name) => readPodTap(cluster, name)));
    assert.equal(new Set(taps.map(({ path }) => path)).size, 3);
    for (const name of ['new', ...names]) await deletePod(cluster, name);
    await untilHeld(cluster, 'h1', 'dataplane', 0);
  });
});
