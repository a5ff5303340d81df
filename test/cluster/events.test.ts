// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { makePod, readPod, runPod } from './pods.ts';

// Tests that users see problems of a node with `kubectl describe`.
const cluster = await macvtapClusterOfFile({ webhook: { unknownResource: 'Warn' } });
const guardMs = 120_000;
const h1 = { matchLabels: { 'kubernetes.io/hostname': 'h1' } };

const policy = (name: string, parentSelector: readonly object[]) => ({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name, namespace: 'macvtap-cni' },
  spec: { nodeSelector: h1, parentSelector },
});
const network = (name: string, resource: string, config: object = {}) => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: {
    name,
    namespace: 'default',
    annotations: { 'k8s.v1.cni.cncf.io/resourceName': `macvtap.network.kubevirt.io/${resource}` },
  },
  spec: { config: JSON.stringify({ cniVersion: '1.0.0', type: 'macvtap', ...config }) },
});

/** Returns the output of `kubectl describe` for an object once it matches. */
async function untilDescribed(object: readonly string[], pattern: RegExp): Promise<void> {
  await until(
    () => cluster.mustKubectl(['describe', ...object]),
    (text) => pattern.test(text),
    guardMs,
  );
}

/** Waits for resources. Pods that request them earlier are refused because the resource does not exist. */
async function untilOffered(...resources: readonly string[]): Promise<void> {
  await until(
    () => cluster.mustKubectl(['get', 'node', 'h1', '-o', 'jsonpath={.status.allocatable}']),
    (text) => resources.every((name) => text.includes(`"macvtap.network.kubevirt.io/${name}":"`)),
    guardMs,
  );
}

describe('an event', () => {
  before(async () => {
    const parents = ['bond1', 'eth0', 'eth1'].map((parentIface) => ({
      ...{ parentIface, resourceName: `on-${parentIface}`, mode: 'vepa' },
    }));
    await cluster.apply([policy('first', parents)]);
    await untilOffered('on-bond1', 'on-eth0', 'on-eth1');
    await cluster.apply([
      network('on-bond1', 'on-bond1'),
      network('on-eth0', 'on-eth0'),
      network('on-eth1', 'on-eth1', { mode: 'vepa' }),
      network('slip', 'on-eht1'),
      policy('second', [{ parentIface: 'eth1', resourceName: 'on-bond1' }]),
    ]);
  });

  it("on the Node reports why kubelet's Allocate was refused, with the text of the pod's status", async () => {
    // Another link uses the parent exclusively, which only the kernel knows.
    await cluster.run(
      'h1',
      'ip',
      'link',
      'add',
      'link',
      'bond1',
      'name',
      'alone',
      'type',
      'macvlan',
      'mode',
      'passthru',
    );
    await makePod(cluster, { name: 'refused', node: 'h1', networks: 'on-bond1' });
    const { status } = await until(
      () => readPod(cluster, 'refused'),
      (pod) => pod.status.phase === 'Failed',
      guardMs,
    );
    const text = /device (on-bond1Mvp\d+) of resource on-bond1 on parent bond1: [^\n]*/;
    assert.equal(status.reason, 'UnexpectedAdmissionError');
    const [message = '', device] = text.exec(status.message ?? '') ?? assert.fail(status.message);
    await untilDescribed(['node', 'h1'], new RegExp(`AllocateFailed .*${device} of resource on-bond1 on parent bond1`));
    const onNode = await cluster.mustKubectl(['describe', 'node', 'h1']);
    assert.ok(onNode.includes(message.replace(/, which is unexpected$/, '')), `${onNode}\n${message}`);
    await cluster.run('h1', 'ip', 'link', 'delete', 'alone');
  });

  it('on a pod shows why it is not attached, with the code and the fix, and its count increases', async () => {
    // The network and the policy both have the mode `vepa`. After this edit of the policy, the modes differ.
    const patch = [{ op: 'replace', path: '/spec/parentSelector/2/mode', value: 'bridge' }];
    const edited = ['-n', 'macvtap-cni', 'macvtapnetworknodepolicies', 'first', '--type=json', '-p'];
    await cluster.mustKubectl(['patch', ...edited, JSON.stringify(patch)]);
    const state = ['get', 'macvtapnetworknodestates', 'h1', '-o', 'jsonpath={.status.resources}'];
    await until(
      () => cluster.mustKubectl(state),
      (text) => text.includes('"mode":"bridge"'),
      guardMs,
    );
    await makePod(cluster, { name: 'contrary', node: 'h1', networks: 'on-eth1' });
    const text = 'ADD of net1 for pod default/contrary, .*write "mode": "bridge" .*ModeConflict, CNI error 7';
    await untilDescribed(['pod', 'contrary'], new RegExp(`AttachFailed .*\\(x\\d+ over .*\\) .* ${text}`));
  });

  it('on the Node reports that a parent vanished, and on its pods that their macvtaps vanished', async () => {
    await runPod(cluster, { name: 'loses', node: 'h1', networks: 'on-eth0' });
    await cluster.run('h1', 'ip', 'link', 'delete', 'eth0');
    await untilDescribed(['pod', 'loses'], /AttachmentLost .* net1 of network on-eth0 is gone: parent eth0 /);
    await untilDescribed(['node', 'h1'], /AttachmentsLost .* parent eth0 was removed, .* 1 attachment of running pods/);
    await untilDescribed(['node', 'h1'], /ParentVanished .* parent eth0 of resource on-eth0 is gone/);
    const onNode = await cluster.mustKubectl(['describe', 'node', 'h1']);
    assert.doesNotMatch(onNode.slice(onNode.indexOf('Events:')), /loses/);
  });

  it('on a policy names the policy that wins, and the nodes', async () => {
    const object = ['-n', 'macvtap-cni', 'macvtapnetworknodepolicies', 'second'];
    await untilDescribed(object, /PolicyConflict .* policy macvtap-cni\/first comes first on 1 node \(h1\): /);
  });

  it('on a network reports that no node offers its resource, and suggests another one', async () => {
    const object = ['network-attachment-definitions', 'slip'];
    await untilDescribed(object, /ResourceNotOffered .*network\.kubevirt\.io\/on-eht1: did you mean on-eth1/);
  });
});
