// SPDX-License-Identifier: Apache-2.0
// While pods run, upgrades a release to the next packaged version and back to the first one, and then uninstalls it.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { chartFolder } from '../chart/run-helm.ts';
import { nodeCentric } from '../demo/hosts.ts';
import { until } from '../process/until.ts';
import { helm } from './helm.ts';
import { installByHelm } from './install/install-by-helm.ts';
import { findNodePlugin } from './install/node-plugin-pod.ts';
import { installationNamespace } from './install/release.ts';
import { uninstall } from './install/uninstall.ts';
import { clusterFolder } from './layout.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, isReady, readPod, runPod } from './pods.ts';
import { untilAllocatable, untilHeld } from './resources.ts';
import { applySeed } from './seed-objects.ts';
import { type PodTap, readPodTap } from './taps.ts';

const later = '0.1.1';
const cluster = await macvtapClusterOfFile();
const guardMs = 120_000;

/** Gives the images a second tag, that of the later version. */
async function tagImages(): Promise<void> {
  const ctr = ['ctr', '--namespace=k8s.io', 'images'] as const;
  for (const { name } of await cluster.nodes()) {
    const images = (await cluster.run(name, ...ctr, 'list', '--quiet')).split('\n');
    for (const image of images.filter((one) => one.startsWith('localhost/kube-macvtap-'))) {
      await cluster.run(name, ...ctr, 'tag', image, image.replace(/:[^:]+$/, `:${later}`));
    }
  }
}

/** Returns the product's links that are attached to no pod. They are in the node's own namespace. */
async function unattached(node: string): Promise<string> {
  return await cluster.run(node, 'ip', '-oneline', 'link', 'show', 'type', 'macvtap');
}

describe('a pod with a macvtap', () => {
  let first: PodTap;
  const isUntouched = async () => {
    assert.deepEqual(await readPodTap(cluster, 'stays'), first);
    const pod = await readPod(cluster, 'stays');
    assert.deepEqual([isReady(pod), pod.status.containerStatuses?.[0]?.restartCount], [true, 0]);
  };
  const oneMore = async (name: string) => {
    await runPod(cluster, { name, node: 'h1', networks: 'macvtap0' });
    assert.notEqual((await readPodTap(cluster, name)).path, first.path);
    await deletePod(cluster, name);
    await untilHeld(cluster, 'h1', 'bondedIface', 1);
  };

  before(async () => {
    await applySeed(cluster);
    await runPod(cluster, { name: 'stays', node: 'h1', networks: 'macvtap0' });
    first = await readPodTap(cluster, 'stays');
  });

  it('keeps its link through an upgrade to a packaged later version, and new pods get devices', async () => {
    await tagImages();
    await helm(cluster, ['package', chartFolder, '--version', later, '--app-version', later, '-d', clusterFolder]);
    await cluster.upgrade({ image: { tag: later } }, `${clusterFolder}/kube-macvtap-${later}.tgz`);
    await cluster.untilRolledOut();
    await isUntouched();
    await oneMore('after-upgrade');
  });

  it('keeps it through a rollback to the earlier version, and new pods get devices', async () => {
    await helm(cluster, ['rollback', 'kube-macvtap', '1', `--namespace=${installationNamespace}`]);
    await cluster.untilRolledOut();
    const { name } = await findNodePlugin(cluster, 'h1');
    const image = 'jsonpath={.spec.containers[0].image}';
    const used = await cluster.mustKubectl(['get', 'pod', name, `--namespace=${installationNamespace}`, '-o', image]);
    assert.ok(!used.endsWith(`:${later}`), used);
    await isUntouched();
    await oneMore('after-rollback');
  });

  it('keeps it when the release is uninstalled, which leaves no webhook configuration and no unattached link', async () => {
    await uninstall(cluster);
    const kinds = 'mutatingwebhookconfigurations,validatingwebhookconfigurations';
    assert.equal(await cluster.mustKubectl(['get', kinds, '-o', 'name']), '');
    for (const { name } of await cluster.nodes()) assert.equal(await unattached(name), '');
    await isUntouched();
    const policies = await cluster.mustKubectl(['get', 'mvnnp', '-A', '-o', 'jsonpath={.items[*].metadata.name}']);
    const states = ['get', 'macvtapnetworknodestates', '-o', 'jsonpath={.items[*].metadata.name}'];
    assert.deepEqual([policies, await cluster.mustKubectl(states)], ['policy-1', 'h1 h2 h3']);
  });

  it('can still be deleted, by the CNI plugin that stayed, and pods without macvtap can be created and deleted', async () => {
    const namespaces = async () => (await cluster.run('h1', 'ls', '/run/netns')).trim().split('\n').filter(Boolean);
    const before = await namespaces();
    await deletePod(cluster, 'stays');
    // The runtime removes the namespace only after DEL has succeeded.
    await until(namespaces, (names) => names.length === before.length - 1, guardMs);
    await until(
      async () => existsSync(first.path),
      (exists) => !exists,
      guardMs,
    );
    assert.equal(await unattached('h1'), '');
    await runPod(cluster, { name: 'plain', node: 'h1' });
    await deletePod(cluster, 'plain');
  });

  it('works again after the chart was installed again, with the policies and the ledger that stayed', async () => {
    await installByHelm(cluster);
    await untilAllocatable(cluster, nodeCentric);
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
    await runPod(cluster, { name: 'stays', node: 'h1', networks: 'macvtap0' });
    assert.equal((await readPodTap(cluster, 'stays')).owner, '107:107');
    await deletePod(cluster, 'stays');
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
  });
});
