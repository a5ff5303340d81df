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

/** Everything of a plan that a pod could notice. */
const seen = (plans: readonly { node: string; resources: object[] }[]) =>
  plans.map(({ node, resources }) => ({
    node,
    resources: resources.map((resource) => ({ ...resource, source: '', policy: '', entry: 0 })),
  }));

describe('the migrate command', () => {
  it('writes policies under which every node exposes what it did, beside the config map and without it', async () => {
    await using directory = await ManifestsDirectory.make({ 'nodes.yaml': nodes, 'cm.json': configMap(upstream) });
    const run = (...args: readonly string[]) => runProgram('cli/kubectl-macvtap.ts', args);
    const plan = async () => seen(JSON.parse((await run('plan', directory.path, '-ojson')).stdout));
    const before = await plan();
    const { code, stdout, stderr } = await run('migrate', `--source=manifests:${directory.path}`);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^h2 {4}explicit {4}\d+ +\d+ +the same$/m);
    assert.match(stderr, /entry 0, dataplane: left out: entry 1 has the same name/);
    assert.match(stderr, /entry 4, whole: 1 devices in place of 10, as before/);
    assert.match(stderr, /entry 6, many: 4096 devices in place of 9000/);
    assert.match(stderr, /entry 7, odd: left out: source is no mode/);
    await directory.write('policy.yaml', stdout);
    assert.deepEqual(await plan(), before);
    await directory.write('cm.json', '');
    assert.deepEqual(await plan(), before);
    assert.ok(before.some(({ resources }) => resources.length > 2));
  });

  it('leaves nodes alone that other policies select', async () => {
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

  it('takes a file with the config map, of any namespace, or with its JSON, and splits what is too long', async () => {
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
  it('and names the node of which nothing can be proved, unless it is to be passed over', async () => {
    const h4 = 'apiVersion: v1\nkind: Node\nmetadata: { name: h4 }\n';
    const files = { 'nodes.yaml': nodes, 'h4.yaml': h4, 'cm.json': configMap(upstream) };
    const { code, stdout, stderr } = await migrate(files);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^not proved: h4: its interfaces are not known.*--unproved/m);
    assert.equal((await migrate(files, '--unproved')).code, 0);
  });

  it('a file alone, without Nodes or a cluster, unless nothing is to be proved', async () => {
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
      assert.match(stderr, /^nothing is proved: no Node is known$/m);
      assert.match(stdout, /^ {2}name: from-macvtap-cni$/m);
    }
    assert.match((await run('--unproved')).stderr, /^no cluster is looked at: .*nowhere/m);
  });

  it('a name that a policy has already', async () => {
    const other = policy.replace('name: policy-1', 'name: from-macvtap-cni');
    const files = { 'nodes.yaml': nodes, 'p.yaml': other, 'cm.json': configMap(upstream) };
    const { code, stdout, stderr } = await migrate(files);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /a policy from-macvtap-cni is there already/);
    assert.equal((await migrate(files, '--name=moved')).code, 0);
  });

  it('what is no configuration, and one that says nothing', async () => {
    for (const [files, says] of [
      [{ 'nodes.yaml': nodes }, /macvtap-deviceplugin-config of the cluster: not there/],
      [{ 'nodes.yaml': nodes, 'cm.json': configMap([]) }, /no entries/],
      [{ 'nodes.yaml': nodes, 'cm.json': configMap('x') }, /not a list/],
      [
        { 'nodes.yaml': nodes, 'cm.json': configMap([{ name: 'x', lowerDevice: 'eth0', mode: 'odd' }]) },
        /no entry can/,
      ],
    ] as const) {
      const { code, stdout, stderr } = await migrate(files);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, says);
    }
  });
});
