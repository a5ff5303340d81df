// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { WhyReport } from '../../cli/why/render-explanation.ts';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { runProgram } from './run-program.ts';

const readSeed = (name: string) => readFile(new URL(`../fixtures/seed/${name}`, import.meta.url), 'utf8');
const nodes = await readSeed('nodes.yaml');
const policy = await readSeed('node-centric/policy.yaml');

const network = (name: string, resource: string, config: object = {}) =>
  JSON.stringify({
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, annotations: { 'k8s.v1.cni.cncf.io/resourceName': `macvtap.network.kubevirt.io/${resource}` } },
    spec: { config: JSON.stringify({ type: 'macvtap', ...config }) },
  });
const pod = (name: string, networks: string, more: object = {}, spec: object = {}) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations: { 'k8s.v1.cni.cncf.io/networks': networks } },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
    ...more,
  });

const owned = (name: string, kind: string, owner: string, more: object = {}) =>
  pod(name, 'quick', {
    metadata: {
      name,
      annotations: { 'k8s.v1.cni.cncf.io/networks': 'quick' },
      labels: { 'pod-template-hash': 'abc' },
      ownerReferences: [{ apiVersion: 'v1', kind, name: owner, uid: 'u', controller: true }],
    },
    ...more,
  });
const ready = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
const refusal = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e1' },
  type: 'Warning',
  reason: 'FailedCreate',
  message: 'admission webhook denied the request: NamespaceNotAdmitted',
  involvedObject: { kind: 'ReplicaSet', name: 'refused-abc', namespace: 'default' },
});

const files = {
  'nodes.yaml': nodes,
  'policy.yaml': policy,
  'objects.yaml': [
    network('quick', 'quickDataplane'),
    network('clash', 'quickDataplane', { mode: 'bridge' }),
    network('none', 'dataplane'),
    pod('new', 'quick'),
    pod('bare', 'quick', { status: { phase: 'Pending' } }),
    owned('web-abc-2', 'ReplicaSet', 'web-abc', { status: { phase: 'Pending' } }),
    owned('web-abc-1', 'ReplicaSet', 'web-abc', ready),
    owned('db-0', 'StatefulSet', 'db', ready),
    owned('virt-launcher-box-x', 'VirtualMachineInstance', 'box', { status: { phase: 'Pending' } }),
    refusal,
    pod('lost', 'nowhere'),
    pod('far', 'quick', {}, { nodeSelector: { 'kubernetes.io/hostname': 'h3' } }),
  ].join('\n---\n'),
};

/** Runs `why` for an object in files. There is no kubeconfig, and the command needs none. */
async function ask(subject: string, given: Readonly<Record<string, string>> = files, ...flags: readonly string[]) {
  await using directory = await ManifestsDirectory.make(given);
  const source = `--source=manifests:${directory.path}`;
  const environment = { KUBECONFIG: '/nowhere/config' };
  const ended = await runProgram('cli/kubectl-macvtap.ts', ['why', subject, source, '-ojson', ...flags], environment);
  const report = ended.stdout === '' ? undefined : (JSON.parse(ended.stdout) as WhyReport);
  return { ...ended, report, codes: report?.causes.map(({ code }) => code) };
}

describe('why, with files', () => {
  for (const [subject, ...codes] of [
    ['pod/new'],
    ['policy/policy-1'],
    ['node/h1'],
    ['node/h3'],
    ['nad/quick'],
    ['nad/none', 'InterfaceAbsent'],
    ['nad/clash', 'ModeConflict'],
    ['pod/lost', 'NetworkMissing'],
    ['pod/far', 'NodeNotSelected'],
    // An existing pod without a device stays without one. A new pod would get its device from the webhook.
    ['pod/bare', 'NotInjected'],
  ] as const) {
    it(`finds ${codes.join() || 'nothing wrong'} for ${subject}`, async () => {
      const { code, codes: found } = await ask(subject);
      assert.deepEqual([found, code], [codes, codes.length === 0 ? 0 : 1]);
    });
  }

  it("looks for a pod's default network where the webhook's --multus-namespace names it", async () => {
    const metadata = { name: 'first', annotations: { 'v1.multus-cni.io/default-network': 'main' } };
    const main = JSON.parse(network('main', 'quickDataplane'));
    const containers = [{ name: 'webhook', image: 'i', args: ['--multus-namespace=multus'] }];
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'kube-macvtap-webhook', namespace: 'macvtap-cni' },
      spec: { template: { spec: { containers } } },
    };
    const withDefault = {
      ...files,
      'main.json': JSON.stringify({ ...main, metadata: { ...main.metadata, namespace: 'multus' } }),
      'first.json': pod('first', '', { metadata }),
    };
    assert.deepEqual((await ask('pod/first', withDefault)).codes, ['NetworkMissing']);
    const withWebhook = { ...withDefault, 'webhook.json': JSON.stringify(deployment) };
    assert.deepEqual((await ask('pod/first', withWebhook)).codes, []);
  });

  it('also accepts kind and name as separate arguments, as kubectl does', async () => {
    assert.equal((await ask('nad', files, 'clash')).codes?.[0], 'ModeConflict');
    assert.match((await ask('nad/clash', files, 'again')).stderr, /nad\/clash\/again: write pod\/NAME/);
  });

  it('lists what cannot be known from files', async () => {
    const { report, stderr } = await ask('pod/new');
    assert.deepEqual(
      report?.missing.map(({ what }) => what),
      ['webhook', 'node plugin', 'status.allocatable', 'status of the pod'],
    );
    assert.match(stderr, /^webhook: not read: files cannot show whether it answers$/m);
    const answer = await ask('pod/bare', {
      ...files,
      'p.yaml': policy
        .replace('spec:', 'spec:\n  namespaceSelector: { matchLabels: { a: b } }')
        .replace('policy-1', 'q'),
    });
    assert.deepEqual(
      answer.report?.missing.map(({ what }) => what),
      ['webhook', 'node plugin', 'status.allocatable', 'Events', 'Namespace default'],
    );
    const { missing = [] } =
      (await ask('node/h9', { ...files, 'h9.yaml': nodes.split('---')[0]?.replaceAll('h1', 'h9') ?? '' })).report ?? {};
    assert.match(missing.find(({ what }) => what === 'interfaces')?.message ?? '', /those of h9$/);
  });

  it("uses Nodes, states and the product's parts if they are in the files", async () => {
    const kubelet = {
      ...files,
      'nodes.yaml': nodes.replace(
        'kind: Node\n',
        'kind: Node\nstatus: { allocatable: { macvtap.network.kubevirt.io/quickDataplane: "7" } }\n',
      ),
    };
    const { report } = await ask('node/h1', kubelet);
    assert.equal(report?.checked[0]?.says, 'offers 7 quickDataplane');
    const deployment = (status: string) =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: kube-macvtap-webhook, namespace: macvtap-cni }\nspec: { replicas: 2 }\n${status}`;
    const down = await ask('nad/quick', { ...files, 'w.yaml': deployment('status: {}') });
    assert.deepEqual(down.codes, ['WebhookDown']);
    assert.deepEqual((await ask('nad/quick', { ...files, 'w.yaml': deployment('') })).codes, []);
    const daemonSet =
      'apiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: kube-macvtap-nodeplugin, namespace: macvtap-cni }\nspec: { template: { spec: {} } }\n';
    assert.deepEqual((await ask('nad/quick', { ...files, 'd.yaml': daemonSet })).codes, []);
  });

  it('suggests a similar name, and reports an invalid file and a missing directory', async () => {
    const { code, stderr } = await ask('pod/nwe');
    const reference = 'See docs/reference/errors.md#ObjectNotFound';
    const line = `kubectl macvtap why: Pod default/nwe: not found; did you mean new? ${reference}\n`;
    assert.deepEqual([code, stderr], [2, line]);
    const broken = await ask('pod/nwe', { ...files, 'broken.yaml': 'a: [' });
    assert.match(broken.stderr, /^broken\.yaml, document 1, line 1: invalid YAML/m);
    const gone = await runProgram('cli/kubectl-macvtap.ts', ['why', 'pod/x', '--source=manifests:/nowhere']);
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /\/nowhere/);
  });
});

describe('why, for a workload', () => {
  for (const [asked, subject, ...codes] of [
    ['deployment/web', 'Pod default/web-abc-2', 'NotInjected'],
    ['rs/web-abc', 'Pod default/web-abc-2', 'NotInjected'],
    ['statefulset/db', 'Pod default/db-0'],
    ['vm/box', 'Pod default/virt-launcher-box-x', 'NotInjected'],
    ['vmi/box', 'Pod default/virt-launcher-box-x', 'NotInjected'],
  ] as const) {
    it(`${asked} explains ${subject}`, async () => {
      const { report, codes: found, stderr } = await ask(asked);
      assert.deepEqual([report?.subject, found], [subject, codes], stderr);
    });
  }

  it('quotes why its pods were refused if it has none', async () => {
    const { report, code } = await ask('deploy/refused');
    assert.equal(code, 1);
    assert.deepEqual(
      [report?.subject, report?.causes[0]?.detail],
      ['Deployment default/refused', 'admission webhook denied the request: NamespaceNotAdmitted'],
    );
  });

  it('is introduced by the number of its pods', async () => {
    await using directory = await ManifestsDirectory.make(files);
    const { stdout } = await runProgram('cli/kubectl-macvtap.ts', [
      'why',
      'deployment',
      'web',
      `--source=manifests:${directory.path}`,
    ]);
    assert.match(stdout, /^Deployment default\/web has 2 pods, 1 of them not Ready\.\n\nPod default\/web-abc-2/);
  });
});
