// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { runProgram } from './run-program.ts';
import { startStandInCluster } from './stand-in-cluster.ts';

const nodes = await readFile(new URL('../fixtures/seed/nodes.yaml', import.meta.url), 'utf8');
const object = (kind: string, namespace: string, name: string, apiVersion = 'v1') =>
  `${JSON.stringify({ apiVersion, kind, metadata: { namespace, name } })}\n`;
const ours = 'macvtap.network.kubevirt.io/v1alpha1';
const manifests = [
  nodes,
  ...['vm-10', 'vm-9', 'web'].map((name) => object('Pod', 'vms', name)),
  object('Pod', 'default', 'vm-other'),
  object('NetworkAttachmentDefinition', 'vms', 'data', 'k8s.cni.cncf.io/v1'),
  object('MacvtapNetworkNodePolicy', 'macvtap-cni', 'edge', ours),
  object('Namespace', '', 'vms').replace('"namespace":"",', ''),
].join('---\n');

/** Returns the completions of the last word. */
async function complete(words: readonly string[], environment: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['__complete', ...words], environment);
  assert.deepEqual([code, stderr], [0, '']);
  return stdout.trimEnd().split('\n');
}

/**
 * Completion gives up after three seconds, which may be too short on a busy machine. This function therefore repeats
 * it.
 */
async function completeUntil(
  isDone: (completions: readonly string[]) => boolean,
  ...asked: Parameters<typeof complete>
): Promise<readonly string[]> {
  for (let rest = 4; rest > 0; rest -= 1) {
    const completions = await complete(...asked);
    if (isDone(completions)) return completions;
  }
  return await complete(...asked);
}

describe('completion of names', () => {
  it('lists the names in the cluster, in the namespace in which the command would look', async () => {
    await using cluster = await startStandInCluster(manifests, 'vms');
    const environment = { KUBECONFIG: cluster.kubeconfig };
    for (const [words, ...completions] of [
      ['why pod/vm', 'pod/vm-9', 'pod/vm-10', ':4'],
      ['why -n default po/', 'po/vm-other', ':4'],
      ['why --namespace=default pod/', 'pod/vm-other', ':4'],
      ['why nad/', 'nad/data', ':4'],
      ['why node/h', 'node/h1', 'node/h2', 'node/h3', ':4'],
      ['why policy/', 'policy/edge', ':4'],
      ['why pod w', 'web', ':4'],
      ['status --node h', 'h1', 'h2', 'h3', ':4'],
      ['plan --node h', 'h1', 'h2', 'h3', ':4'],
      ['plan -f p.yaml --delete policy/', 'policy/edge', ':4'],
      ['plan --delete=policy/', '--delete=policy/edge', ':4'],
      ['plan -n vms --delete policy/', 'policy/edge', ':4'],
      ['why -n ', 'vms', ':4'],
      ['status --context ', 'test', ':4'],
    ] as const) {
      const isExpected = (answer: readonly string[]) => isDeepStrictEqual(answer, completions);
      assert.deepEqual(await completeUntil(isExpected, words.split(' '), environment), completions, words);
    }
    assert.ok(cluster.server.requests.every((request) => /limit=500/.test(request)));
  });

  it('is empty if no name matches, and sends no request if no name can follow', async () => {
    await using cluster = await startStandInCluster(manifests, 'vms');
    const environment = { KUBECONFIG: cluster.kubeconfig };
    const { requests } = cluster.server;
    for (const words of ['why service/', 'why pod/web ', 'why node h1 h']) {
      assert.deepEqual(await complete(words.split(' '), environment), [':4'], words);
    }
    assert.deepEqual(requests, []);
    const words = ['why', 'po/vm', '-n', 'default'];
    assert.deepEqual(await completeUntil(() => requests.length > 0, words, environment), [':4']);
    assert.deepEqual([...new Set(requests)], ['GET /api/v1/namespaces?limit=500']);
  });

  it('lists kinds and fixed values without a request', async () => {
    const environment = { KUBECONFIG: '/nowhere/config' };
    assert.deepEqual(await complete(['why', 'po'], environment), [
      'pod/\tPod',
      'policy/\tMacvtapNetworkNodePolicy',
      ':6',
    ]);
    assert.deepEqual(await complete(['plan', '--delete', 'c'], environment), [
      'configmap/macvtap-deviceplugin-config\tthe explicit configuration',
      ':4',
    ]);
    assert.deepEqual(await complete(['why', 'pod/x', '-o', ''], environment), ['table', 'json', 'yaml', ':4']);
    assert.deepEqual(await complete(['graph', '-o', ''], environment), [':0']);
    assert.deepEqual(await complete(['status', '--source', ''], environment), [
      'cluster\tthe API server',
      'manifests:\ta directory of YAML',
      ':6',
    ]);
    assert.deepEqual(await complete(['status', '--source=c'], environment), ['--source=cluster\tthe API server', ':4']);
  });

  it('lists directories after manifests:, and the objects in such a directory', async () => {
    await using directory = await ManifestsDirectory.make({ 'all.yaml': manifests });
    const [parent, name] = [join(directory.path, '..'), directory.path.split('/').at(-1) ?? ''];
    assert.deepEqual(await complete(['status', '--source', `manifests:${parent}/${name.slice(0, -1)}`], {}), [
      `manifests:${parent}/${name}/`,
      ':6',
    ]);
    const source = `--source=manifests:${directory.path}`;
    assert.deepEqual(await complete(['why', source, 'pod/'], {}), ['pod/vm-other', ':4']);
    assert.deepEqual(await complete(['why', source, '-nvms', 'nad/d'], {}), ['nad/data', ':4']);
  });

  it('prints nothing and ends if the server does not answer, access is denied, or the credentials never arrive', async () => {
    await using cluster = await startStandInCluster(manifests);
    const environment = { KUBECONFIG: cluster.kubeconfig };
    cluster.server.intercept(() => 'hang');
    assert.deepEqual(await complete(['why', 'node/'], environment), [':4']);
    cluster.server.intercept(() => ({ status: 403, body: {} }));
    assert.deepEqual(await complete(['why', 'node/'], environment), [':4']);
    cluster.server.intercept(() => ({ status: 200, body: 'not JSON' }));
    assert.deepEqual(await complete(['why', 'node/'], environment), [':4']);
    await cluster.server.stop();
    assert.deepEqual(await complete(['why', 'node/'], environment), [':4']);
    assert.deepEqual(await complete(['why', 'node/', '--context', ''], { KUBECONFIG: '/nowhere/config' }), [':4']);
    const config = JSON.parse(await readFile(cluster.kubeconfig, 'utf8'));
    config.users[0].user = {
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: 'sleep',
        args: ['100'],
        interactiveMode: 'Never',
      },
    };
    await writeFile(cluster.kubeconfig, JSON.stringify(config));
    assert.deepEqual(await complete(['why', 'node/'], environment), [':4']);
  });
});
