// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CauseCode } from '../../policy/why/cause.ts';
import { podObject } from '../cluster/pods.ts';
import { makeAsker } from '../control-plane/ask-why.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace, makeNamespace } from './install.ts';
import type { KubernetesObject } from './kubernetes-object.ts';
import { makePerson } from './make-person.ts';
import { applySeedHosts } from './seed-hosts.ts';

const cluster = await clusterOfFile();
await applySeedHosts(cluster);
await makeNamespace(cluster, 'people');
const asker = await makeAsker(cluster.kubeconfig, cluster.folder);

const policy = {
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'p', namespace: installationNamespace },
  spec: { parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] },
};
const network = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: {
    name: 'net',
    namespace: 'people',
    annotations: { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/dtaa' },
  },
  spec: { config: '{"cniVersion": "1.0.0", "name": "net", "type": "macvtap"}' },
};
const pod = podObject({ name: 'vm', networks: 'net' }) as KubernetesObject;
await apply(cluster, [policy, network, { ...pod, metadata: { ...pod.metadata, namespace: 'people' } }]);

describe('kubectl macvtap why', () => {
  it('finds several causes at once, in lines that fit the width, without colors, and exits with 1', async () => {
    const { code, stdout, stderr } = await asker.ask('pod/vm', '-n', 'people');
    assert.deepEqual([code, stderr], [1, '']);
    const lines = stdout.split('\n');
    assert.match(lines[0] ?? '', /^Pod people\/vm: Pending, on no node yet/);
    assert.deepEqual(stdout.match(/^\d\. .*?:/gm), [
      '1. WebhookDown:',
      '2. NetworkAttachmentDefinition people/net:',
      '3. NetworkAttachmentDefinition people/net:',
    ]);
    assert.match(
      stdout,
      /└─ ResourceUnknown: no policy or node offers macvtap\.network\.kubevirt\.io\/dtaa; did you mean data\?/,
    );
    assert.deepEqual(
      lines.filter((line) => line.length > 120 || line.includes('\u001b')),
      [],
    );
  });

  it('returns the same causes as JSON, with the objects it read', async () => {
    const { subject, isWell, causes, checked, missing } = await asker.report('pod/vm', '-n', 'people');
    assert.deepEqual([subject, isWell, missing], ['Pod people/vm', false, []]);
    assert.deepEqual(
      causes.map(({ code }) => code),
      ['WebhookDown', 'ResourceUnknown', 'NotInjected'],
    );
    assert.ok(checked.some(({ object }) => object === 'NetworkAttachmentDefinition people/net'));
  });

  it('prints a fix that works when it is copied unchanged', async () => {
    const { causes } = await asker.report('nad/net', '-n', 'people');
    const [line = ''] = causes.find(({ code }) => code === 'ResourceUnknown')?.fix.commands ?? [];
    await asker.copy(line);
    const { causes: left } = await asker.report('nad/net', '-n', 'people');
    assert.ok(left.every(({ code }) => code !== 'ResourceUnknown'));
  });

  it('reports that nothing is installed in a cluster that has only the CRDs', async () => {
    const { causes } = await asker.report('node/h1', '--installation-namespace=people');
    assert.equal(causes[0]?.code, 'NotInstalled');
  });
});

// Without a webhook, the API server stores all of these invalid objects.
describe('objects that a stopped webhook would have refused are named, and the printed fix works', () => {
  const heal = async (code: CauseCode, ...args: readonly string[]) => {
    const { causes } = await asker.report(...args);
    const cause = causes.find((one) => one.code === code);
    assert.ok(cause !== undefined, JSON.stringify(causes));
    for (const line of cause.fix.commands) await asker.copy(line);
    const { causes: left } = await asker.report(...args);
    assert.ok(left.every((one) => one.code !== code));
  };
  const strayNetwork = (annotations: object) => [
    { ...network, metadata: { name: 'other', namespace: 'people', annotations } },
  ];

  it('PolicyOutsideNamespace, also in the answer about a network that needs the policy', async () => {
    const spec = { parentSelector: [{ parentIface: 'eth1', resourceName: 'stray' }] };
    await apply(cluster, [{ ...policy, metadata: { name: 'stray', namespace: 'people' }, spec }]);
    const annotations = { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/stray' };
    await apply(cluster, strayNetwork(annotations));
    const { causes } = await asker.report('policy/stray', '-n', 'people');
    assert.ok(causes.some(({ code }) => code === 'PolicyOutsideNamespace'));
    await heal('PolicyOutsideNamespace', 'nad/other', '-n', 'people');
    const { subject } = await asker.report('policy/stray');
    assert.equal(subject, 'MacvtapNetworkNodePolicy macvtap-cni/stray');
    await cluster.mustKubectl(['delete', 'mvnnp', 'stray', '-n', installationNamespace]);
    await cluster.mustKubectl(['delete', 'network-attachment-definitions', 'other', '-n', 'people']);
  });

  it('ResourceMissing, if there is only one resource to choose', async () => {
    await apply(cluster, strayNetwork({}));
    await heal('ResourceMissing', 'nad/other', '-n', 'people');
  });
});

describe('an object that does not exist', () => {
  it('is reported with similar names, and standard output stays empty', async () => {
    for (const [args, pattern] of [
      [
        ['pod/wm', '-n', 'people'],
        /^kubectl macvtap why: Pod people\/wm: not found; did you mean vm\? See docs\/reference\/errors\.md#ObjectNotFound$/m,
      ],
      [
        ['nad/nte', '-n', 'people'],
        /NetworkAttachmentDefinition people\/nte: not found; did you mean net\? See docs\/reference\/errors\.md#ObjectNotFound$/m,
      ],
      [
        ['nad/net'],
        /NetworkAttachmentDefinition default\/net: not found; there is one in namespace people: add -n; see docs\/reference\/errors\.md#ObjectNotFound$/m,
      ],
      [
        ['node/h4'],
        /Node h4: not found; did you mean h1 or h2 or h3\? See docs\/reference\/errors\.md#ObjectNotFound$/m,
      ],
      [
        ['policy/q'],
        /MacvtapNetworkNodePolicy macvtap-cni\/q: not found; did you mean p\? See docs\/reference\/errors\.md#ObjectNotFound$/m,
      ],
    ] as const) {
      const { code, stdout, stderr } = await asker.ask(...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, pattern);
    }
  });

  it('of an unknown kind is a usage error', async () => {
    const { code, stderr } = await asker.ask('service/x');
    assert.equal(code, 2);
    assert.match(stderr, /write pod\/NAME, nad\/NAME, node\/NAME, policy\/NAME, or a workload like deployment\/NAME/);
  });
});

describe('a user with few rights', () => {
  const ours = { apiGroups: ['macvtap.network.kubevirt.io'], resources: ['*'], verbs: ['list'] };

  it('gets the visible causes, and the rights that the other checks need', async () => {
    const rights = { apiGroups: ['', 'k8s.cni.cncf.io'], resources: ['*'], verbs: ['list'] };
    const kubeconfig = await makePerson(cluster, 'reader', [ours, rights]);
    const { code, stdout, stderr } = await asker.ask('pod/vm', '-n', 'people', '--kubeconfig', kubeconfig);
    assert.equal(code, 1);
    assert.match(stdout, /NotInjected/);
    assert.doesNotMatch(stdout, /WebhookDown|PluginNot/);
    for (const right of [
      'list daemonsets.apps in the namespace macvtap-cni',
      'list deployments.apps in the namespace macvtap-cni',
      'list mutatingwebhookconfigurations.admissionregistration.k8s.io in the whole cluster',
      'create macvtapnetworknodepolicies in the namespace macvtap-cni',
    ]) {
      assert.match(stderr, new RegExp(`the right to ${right} is missing`));
    }
  });

  it('without the right to read the object gets that reason, and not that the object does not exist', async () => {
    const kubeconfig = await makePerson(cluster, 'passer-by', [ours]);
    const { code, stdout, stderr } = await asker.ask('pod/vm', '-n', 'people', '--kubeconfig', kubeconfig);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /Pod people\/vm: cannot be read: the right to list pods in the namespace people is missing/);
  });
});
