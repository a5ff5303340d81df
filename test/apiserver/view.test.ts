// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { runProgram } from '../process/run-program.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { startControlPlane } from './control-plane.ts';
import { apply, installationNamespace, makeNamespace } from './install.ts';
import { makePerson } from './make-person.ts';
import { applySeedHosts } from './seed-hosts.ts';

const cluster = await clusterOfFile();
await applySeedHosts(cluster);
await makeNamespace(cluster, 'people');

const bare = await startControlPlane();
after(() => bare[Symbol.asyncDispose]());

const h3 = ['NODE  RESOURCE  PARENT  MODE    QUANTITY  SOURCE'].concat(
  ['eth0', 'eth1'].map((nic) => `h3    ${nic}      ${nic}    bridge  100       implicit`),
);

/** Runs `plan` for one node, the simplest command that reads a cluster. */
async function plan(flags: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['plan', '--node=h3', ...flags], {
    HOME: cluster.folder,
    KUBECONFIG: '',
    ...environment,
  });
  return { code, lines: stdout.split('\n\n')[0]?.trimEnd().split('\n'), stderr };
}

describe('a command that reads a cluster', () => {
  it('finds it by --kubeconfig, by $KUBECONFIG and by a context, and prints only the result', async () => {
    for (const [flags, environment] of [
      [['--kubeconfig', cluster.kubeconfig], {}],
      [[], { KUBECONFIG: cluster.kubeconfig }],
      [['--kubeconfig', cluster.kubeconfig, '--context', 'test'], {}],
    ] as const) {
      assert.deepEqual(await plan(flags, environment), { code: 0, lines: h3, stderr: '' });
    }
  });

  it('follows policies in the namespace of the installation', async () => {
    const policy = { metadata: { name: 'p' }, spec: { parentSelector: [{ parentIface: 'eth1' }] } };
    const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
    const kind = 'MacvtapNetworkNodePolicy';
    const object = { ...policy, apiVersion, kind, metadata: { name: 'p', namespace: installationNamespace } };
    await apply(cluster, [object]);
    const [here, elsewhere] = await Promise.all([
      plan(['--kubeconfig', cluster.kubeconfig]),
      plan(['--kubeconfig', cluster.kubeconfig, '--installation-namespace=people']),
    ]);
    await cluster.mustKubectl(['delete', 'mvnnp', 'p', '-n', installationNamespace]);
    assert.deepEqual(here.lines?.slice(1), ['h3    eth1      eth1    bridge  100       policy macvtap-cni/p']);
    assert.deepEqual(elsewhere.lines, h3);
  });
});

describe('a command that cannot read the cluster', () => {
  it('without a kubeconfig lists the places it checked, and the flag to use', async () => {
    const { code, stderr } = await plan([]);
    assert.equal(code, 2);
    assert.match(stderr, /neither \$KUBECONFIG nor ~\/\.kube\/config exists; .*--kubeconfig/);
  });

  it('with an unknown context lists the known contexts', async () => {
    const { code, stderr } = await plan(['--kubeconfig', cluster.kubeconfig, '--context', 'tset']);
    assert.equal(code, 2);
    assert.match(stderr, /has no context tset; its contexts: test/);
  });

  it('because the server does not answer, names the server', async () => {
    const path = join(cluster.folder, 'nobody.kubeconfig');
    const server = 'https://127.0.0.1:1';
    await writeFile(
      path,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        users: [{ name: 'u', user: { token: 't' } }],
        'current-context': 'c',
      }),
    );
    const { code, stderr } = await plan(['--kubeconfig', path]);
    assert.equal(code, 2);
    assert.match(stderr, /https:\/\/127\.0\.0\.1:1.*ECONNREFUSED.*check that the API server is running/);
  });

  it('because its token is invalid, reports that', async () => {
    const { code, stderr } = await plan(['--kubeconfig', await cluster.writeKubeconfig('nobody', 'wrong')]);
    assert.equal(code, 2);
    assert.match(stderr, /401: .*token or certificate/);
  });

  it('because kube-macvtap is not installed, reports that with the fix', async () => {
    const { code, lines, stderr } = await plan(['--kubeconfig', bare.kubeconfig]);
    assert.deepEqual([code, lines], [2, ['']]);
    assert.match(stderr, /kube-macvtap is not installed in this cluster: .* has no Macvtap\w+; install it.*--context/);
  });
});

describe('a command of a user with few rights', () => {
  it('shows the objects that the user may read, and names the missing rights', async () => {
    const ours = { apiGroups: ['macvtap.network.kubevirt.io'], resources: ['*'], verbs: ['list'] };
    const nodes = { apiGroups: [''], resources: ['nodes'], verbs: ['list'] };
    const { code, lines, stderr } = await plan(['--kubeconfig', await makePerson(cluster, 'reader', [ours, nodes])]);
    assert.deepEqual([code, lines], [0, h3]);
    assert.deepEqual(stderr.trimEnd().split('\n').sort(), [
      'ConfigMap macvtap-deviceplugin-config: not read: the right to list configmaps in the namespace macvtap-cni is missing',
      'DaemonSets: not read: the right to list daemonsets.apps in the namespace macvtap-cni is missing',
      'Namespaces: not read: the right to list namespaces in the whole cluster is missing',
      'NetworkAttachmentDefinitions: not read: the right to list network-attachment-definitions.k8s.cni.cncf.io in the whole cluster is missing',
    ]);
  });

  it('ends when the user has no rights, and names the missing ones', async () => {
    const { code, lines, stderr } = await plan(['--kubeconfig', await makePerson(cluster, 'stranger', [])]);
    assert.deepEqual([code, lines], [2, ['']]);
    assert.match(
      stderr,
      /you may not read any object:\n {2}Nodes: the right to list nodes in the whole cluster is missing/,
    );
    assert.match(
      stderr,
      /the right to list macvtapnetworknodepolicies\.macvtap\.network\.kubevirt\.io in the namespace/,
    );
  });
});
