// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { installationNamespace } from './install/release.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, makePod, podObject, runPod } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed, seedNetwork, seedPolicy } from './seed-objects.ts';
import { type PodTap, readPodTap } from './taps.ts';

const cluster = await macvtapClusterOfFile();
const guardMs = 120_000;
const resource = 'macvtap.network.kubevirt.io/bondedIface';

async function scaleWebhook(replicas: number): Promise<void> {
  const namespace = `--namespace=${installationNamespace}`;
  await cluster.mustKubectl(['scale', 'deployment/kube-macvtap-webhook', namespace, `--replicas=${replicas}`]);
  const list = ['get', 'pods', namespace, '-l', 'app.kubernetes.io/component=webhook', '-o', 'name'];
  await until(
    async () => (await cluster.mustKubectl(list)).trim().split('\n').filter(Boolean).length,
    (count) => count === replicas,
    guardMs,
  );
}

describe('without the webhook', () => {
  let first: PodTap;

  before(async () => {
    await applySeed(cluster);
    await runPod(cluster, { name: 'stays', node: 'h1', networks: 'macvtap0' });
    first = await readPodTap(cluster, 'stays');
    await scaleWebhook(0);
  });

  it('pods without macvtap start, and a running pod with a macvtap keeps its link', async () => {
    await runPod(cluster, { name: 'plain', node: 'h1' });
    await deletePod(cluster, 'plain');
    assert.deepEqual(await readPodTap(cluster, 'stays'), first);
  });

  it('a pod that only names its network is created, and fails at CNI ADD with an error that names the missing device', async () => {
    await makePod(cluster, { name: 'bare', node: 'h1', networks: 'macvtap0' });
    const selector = '--field-selector=involvedObject.name=bare,reason=NotInjected';
    const events = ['get', 'events', selector, '-o', 'jsonpath={.items[*].message}'];
    const text = await until(
      () => cluster.mustKubectl(events),
      (text) => text.includes('DeviceMissing'),
      guardMs,
    );
    assert.match(text, /the pod holds no device for network macvtap0: .*offered here: bondedIface/);
    assert.match(text, /Recreate the pod: kubectl delete pod bare -n default\./);
    await deletePod(cluster, 'bare');
  });

  it('a pod that requests a device, a network and a policy are refused, with errors that name the webhook', async () => {
    const pod = JSON.stringify(podObject({ name: 'asks', networks: 'macvtap0', limits: { [resource]: '1' } }));
    const changed = seedPolicy('node-centric').replace('quantity: 25', 'quantity: 24');
    for (const text of [pod, seedNetwork.replace('macvtap0', 'macvtap1'), changed]) {
      const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], text);
      assert.equal(code, 1);
      assert.match(stderr, /failed calling webhook "[a-z-]+\.macvtap\.network\.kubevirt\.io"/);
    }
  });

  it('a pod can be deleted, and its device is released', async () => {
    await deletePod(cluster, 'stays');
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
  });

  it('everything works once it is back: pods get devices again', async () => {
    await scaleWebhook(2);
    await cluster.untilRolledOut();
    await runPod(cluster, { name: 'again', node: 'h1', networks: 'macvtap0' });
    assert.equal((await readPodTap(cluster, 'again')).owner, '107:107');
    await deletePod(cluster, 'again');
  });
});
