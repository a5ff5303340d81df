// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { WhyReport } from '../../cli/why/to-report.ts';
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

const files = {
  'nodes.yaml': nodes,
  'policy.yaml': policy,
  'objects.yaml': [
    network('quick', 'quickDataplane'),
    network('clash', 'quickDataplane', { mode: 'bridge' }),
    network('none', 'dataplane'),
    pod('new', 'quick'),
    pod('bare', 'quick', { status: { phase: 'Pending' } }),
    pod('lost', 'nowhere'),
    pod('far', 'quick', {}, { nodeSelector: { 'kubernetes.io/hostname': 'h3' } }),
  ].join('\n---\n'),
};

/** Asks about objects of files. There is no kubeconfig, and none is looked for. */
async function ask(subject: string, given: Readonly<Record<string, string>> = files, ...flags: readonly string[]) {
  await using directory = await ManifestsDirectory.make(given);
  const source = `--source=manifests:${directory.path}`;
  const environment = { KUBECONFIG: '/nowhere/config' };
  const ended = await runProgram('cli/kubectl-macvtap.ts', ['why', subject, source, '-ojson', ...flags], environment);
  const report = ended.stdout === '' ? undefined : (JSON.parse(ended.stdout) as WhyReport);
  return { ...ended, report, codes: report?.causes.map(({ code }) => code) };
}

describe('why, of files', () => {
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
    // One that was made without a device stays so; one that is still to be made gets its device from the webhook.
    ['pod/bare', 'NotInjected'],
  ] as const) {
    it(`finds ${codes.join() || 'nothing wrong'} of ${subject}`, async () => {
      const { code, codes: found } = await ask(subject);
      assert.deepEqual([found, code], [codes, codes.length === 0 ? 0 : 1]);
    });
  }

  it('takes kind and name apart, too, as kubectl does', async () => {
    assert.equal((await ask('nad', files, 'clash')).codes?.[0], 'ModeConflict');
    assert.match((await ask('nad/clash', files, 'again')).stderr, /nad\/clash\/again: write pod\/NAME/);
  });

  it('says what files leave open', async () => {
    const { report, stderr } = await ask('pod/new');
    assert.deepEqual(
      report?.missing.map(({ what }) => what),
      ['webhook', 'node plugin', 'status.allocatable', 'status of the pod'],
    );
    assert.match(stderr, /^webhook: not read: files do not tell whether it answers$/m);
    const told = await ask('pod/bare', {
      ...files,
      'p.yaml': policy
        .replace('spec:', 'spec:\n  namespaceSelector: { matchLabels: { a: b } }')
        .replace('policy-1', 'q'),
    });
    assert.deepEqual(
      told.report?.missing.map(({ what }) => what),
      ['webhook', 'node plugin', 'status.allocatable', 'Events', 'Namespace default'],
    );
    const { missing = [] } =
      (await ask('node/h9', { ...files, 'h9.yaml': nodes.split('---')[0]?.replaceAll('h1', 'h9') ?? '' })).report ?? {};
    assert.match(missing.find(({ what }) => what === 'interfaces')?.message ?? '', /those of h9$/);
  });

  it('takes what Nodes, states and our own parts say where they are among the files', async () => {
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

  it('names what is there instead, and what a directory is not', async () => {
    const { code, stderr } = await ask('pod/nwe');
    assert.deepEqual([code, stderr], [2, 'kubectl macvtap why: Pod default/nwe: there is none; did you mean new?\n']);
    const broken = await ask('pod/nwe', { ...files, 'broken.yaml': 'a: [' });
    assert.match(broken.stderr, /^broken\.yaml, document 1, line 1: no YAML/m);
    const gone = await runProgram('cli/kubectl-macvtap.ts', ['why', 'pod/x', '--source=manifests:/nowhere']);
    assert.equal(gone.code, 2);
    assert.match(gone.stderr, /\/nowhere/);
  });
});
