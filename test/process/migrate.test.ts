// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { runProgram } from './run-program.ts';

const nodes = await readFile(new URL('../fixtures/seed/nodes.yaml', import.meta.url), 'utf8');
const policy = await readFile(new URL('../fixtures/seed/node-centric/policy.yaml', import.meta.url), 'utf8');

const configMap = (list: unknown, namespace = 'macvtap-cni') =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'macvtap-deviceplugin-config', namespace },
    data: { DP_MACVTAP_CONF: JSON.stringify(list) },
  });

const upstream = [
  { name: 'dataplane', lowerDevice: 'eth0', mode: 'vepa' },
  { name: 'dataplane', lowerDevice: 'bond1', mode: 'private', capacity: 25 },
  { name: 'zero', lowerDevice: 'eth0', capacity: 0 },
  { name: 'below', lowerDevice: 'eth1', mode: 'bridge', capacity: -3 },
  { name: 'whole', lowerDevice: 'ens3', mode: 'passthru', capacity: 10 },
  { name: 'shared', lowerDevice: 'ens3', mode: 'bridge' },
  { name: 'many', lowerDevice: 'ens4', capacity: 9000 },
  { name: 'odd', lowerDevice: 'eth1', mode: 'source' },
  { name: 'nowhere', lowerDevice: 'eth77' },
];

async function migrate(files: Readonly<Record<string, string>>, ...flags: readonly string[]) {
  await using directory = await ManifestsDirectory.make(files);
  const source = `--source=manifests:${directory.path}`;
  const args = flags.map((flag) => flag.replace('DIR', directory.path));
  return await runProgram('cli/kubectl-macvtap.ts', ['migrate', source, ...args]);
}

/** Returns every part of a plan that can affect a pod. */
const seen = (plans: readonly { node: string; resources: object[] }[]) =>
  plans.map(({ node, resources }) => ({
    node,
    resources: resources.map((resource) => ({ ...resource, source: '', policy: '', entry: 0 })),
  }));

describe('the migrate command', () => {
  it('writes policies under which every node exposes the same as before, with and without the config map', async () => {
    await using directory = await ManifestsDirectory.make({ 'nodes.yaml': nodes, 'cm.json': configMap(upstream) });
    const run = (...args: readonly string[]) => runProgram('cli/kubectl-macvtap.ts', args);
    const plan = async () => seen(JSON.parse((await run('plan', directory.path, '-ojson')).stdout));
    const before = await plan();
    const { code, stdout, stderr } = await run('migrate', `--source=manifests:${directory.path}`);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^h2 {4}explicit {4}\d+ +\d+ +the same$/m);
    assert.match(stderr, /entry 0, dataplane: left out: entry 1 has the same name/);
    assert.match(stderr, /entry 4, whole: 1 device instead of 10, as in macvtap-cni/);
    assert.match(stderr, /entry 6, many: 4096 devices instead of 9000/);
    assert.match(stderr, /entry 7, odd: left out: source is not a mode/);
    await directory.write('policy.yaml', stdout);
    assert.deepEqual(await plan(), before);
    await directory.write('cm.json', '');
    assert.deepEqual(await plan(), before);
    assert.ok(before.some(({ resources }) => resources.length > 2));
  });

  it('prints when to delete the config map, and then has nothing to do', async () => {
    await using directory = await ManifestsDirectory.make({ 'nodes.yaml': nodes, 'cm.json': configMap(upstream) });
    const run = () => runProgram('cli/kubectl-macvtap.ts', ['migrate', `--source=manifests:${directory.path}`]);
    const { stdout, stderr } = await run();
    const deletion = 'kubectl delete configmap macvtap-deviceplugin-config -n macvtap-cni';
    assert.ok(
      stderr.trimEnd().endsWith(`shows no SOURCE explicit any more, delete the config map: ${deletion}`),
      stderr,
    );
    await directory.write('policy.yaml', stdout);
    const why = 'nothing to do: policies select every node, so the config map has no effect';
    assert.deepEqual(await run(), { code: 0, stdout: '', stderr: `${why}: ${deletion}\n` });
    await directory.write('cm.json', '');
    const gone = 'nothing to do: policy from-macvtap-cni exists, and the config map is deleted\n';
    assert.deepEqual(await run(), { code: 0, stdout: '', stderr: gone });
  });

  it('lists networks that ask for IP addresses, and no others', async () => {
    const network = (name: string, conf: object) =>
      JSON.stringify({
        apiVersion: 'k8s.cni.cncf.io/v1',
        kind: 'NetworkAttachmentDefinition',
        metadata: { name, namespace: 'vms' },
        spec: { config: JSON.stringify({ cniVersion: '1.0.0', name, ...conf }) },
      });
    const { code, stdout, stderr } = await migrate({
      'nodes.yaml': nodes,
      'cm.json': configMap(upstream),
      'asks.json': network('asks', { type: 'macvtap', ipam: { type: 'host-local' } }),
      'quiet.json': network('quiet', { type: 'macvtap', ipam: {} }),
      'other.json': network('other', { type: 'bridge', ipam: { type: 'host-local' } }),
    });
    assert.equal(code, 0, stderr);
    assert.deepEqual(stderr.match(/^network .*$/gm), [
      'network vms/asks: spec.config.ipam: ipam of type "host-local" is ignored: remove it',
    ]);
    assert.ok(!stdout.includes('ipam'));
  });

  it('does not change nodes that other policies select', async () => {
    const files = { 'nodes.yaml': nodes, 'p.yaml': policy, 'cm.json': configMap(upstream) };
    const { code, stdout, stderr } = await migrate(files);
    assert.equal(code, 0, stderr);
    const { spec } = parse(stdout) as { spec: { nodeAffinity: object } };
    assert.deepEqual(spec.nodeAffinity, {
      nodeSelectorTerms: [
        { matchFields: ['h1', 'h2'].map((name) => ({ key: 'metadata.name', operator: 'NotIn', values: [name] })) },
      ],
    });
  });

  it('accepts a file with the config map of any namespace, or with its JSON, and splits a list that is too long', async () => {
    const long = Array.from({ length: 70 }, (_, index) => ({ name: `r${index}`, lowerDevice: 'eth0' }));
    const files = { 'nodes.yaml': nodes, 'cm.txt': configMap(long, 'kubevirt'), 'list.txt': JSON.stringify(long) };
    for (const name of ['cm.txt', 'list.txt']) {
      const { code, stdout } = await migrate(files, '-f', join('DIR', name), '-ojson', '--name=moved');
      const { items } = JSON.parse(stdout) as { items: { metadata: { name: string }; spec: { parentSelector: [] } }[] };
      assert.deepEqual(
        [code, ...items.map(({ metadata, spec }) => `${metadata.name} ${spec.parentSelector.length}`)],
        [0, 'moved 64', 'moved-2 6'],
      );
    }
  });
});

describe('the migrate command refuses', () => {
  it('nodes whose plan cannot be compared, by name, unless they are to be ignored', async () => {
    const h4 = 'apiVersion: v1\nkind: Node\nmetadata: { name: h4 }\n';
    const files = { 'nodes.yaml': nodes, 'h4.yaml': h4, 'cm.json': configMap(upstream) };
    const { code, stdout, stderr } = await migrate(files);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^not proved: h4: interfaces not known.*--unproved/m);
    assert.equal((await migrate(files, '--unproved')).code, 0);
  });

  it('a file without Nodes or a cluster, unless the proof is skipped', async () => {
    await using directory = await ManifestsDirectory.make({ 'cm.json': configMap(upstream) });
    const file = join(directory.path, 'cm.json');
    const environment = { HOME: directory.path, KUBECONFIG: join(directory.path, 'nowhere') };
    const run = (...args: readonly string[]) =>
      runProgram('cli/kubectl-macvtap.ts', ['migrate', '-f', file, ...args], environment);
    const source = `--source=manifests:${directory.path}`;
    for (const args of [[], ['--unproved', '--kubeconfig=/nowhere'], [source]]) {
      const { code, stdout } = await run(...args);
      assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    }
    for (const args of [[], [source]]) {
      const { code, stdout, stderr } = await run('--unproved', ...args);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /^nothing is proved: there are no Nodes$/m);
      assert.match(stdout, /^ {2}name: from-macvtap-cni$/m);
    }
    assert.match((await run('--unproved')).stderr, /^continuing without a cluster: .*nowhere/m);
  });

  it('a name that an existing policy has', async () => {
    const other = policy.replace('name: policy-1', 'name: from-macvtap-cni');
    const files = { 'nodes.yaml': nodes, 'p.yaml': other, 'cm.json': configMap(upstream) };
    const { code, stdout, stderr } = await migrate(files);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /policy from-macvtap-cni exists already/);
    assert.equal((await migrate(files, '--name=moved')).code, 0);
  });

  it('an invalid configuration, and an empty one', async () => {
    for (const [files, says] of [
      [{ 'nodes.yaml': nodes }, /macvtap-deviceplugin-config of the cluster: not found/],
      [{ 'nodes.yaml': nodes, 'cm.json': configMap([]) }, /no entries/],
      [{ 'nodes.yaml': nodes, 'cm.json': configMap('x') }, /line 1, column 1: "x" where the \[ of a list is expected/],
      [
        { 'nodes.yaml': nodes, 'cm.json': configMap([{ name: 'x', lowerDevice: 'eth0', mode: 'odd' }]) },
        /can express none of the entries/,
      ],
    ] as const) {
      const { code, stdout, stderr } = await migrate(files);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, says);
    }
  });
});
