// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { runProgram } from './run-program.ts';

const readSeed = (name: string) => readFile(new URL(`../fixtures/seed/${name}`, import.meta.url), 'utf8');
const nodes = await readSeed('nodes.yaml');
const policy = await readSeed('node-centric/policy.yaml');

/** The hosts in test/fixtures/seed. Pods hold two devices of eth0 on h1. */
const held = nodes.replace(
  'name: h1\nstatus:',
  'name: h1\nstatus:\n  resources: [{name: eth0, parent: eth0, mode: bridge, source: implicit, quantity: 100, held: 2}]',
);
assert.notEqual(held, nodes);

/** Plans files against a cluster of files. */
async function change(
  cluster: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
  ...flags: readonly string[]
) {
  await using directory = await ManifestsDirectory.make(cluster);
  await using given = await ManifestsDirectory.make(files);
  const named = Object.keys(files).flatMap((name) => ['-f', join(given.path, name)]);
  return await runProgram('cli/kubectl-macvtap.ts', ['plan', directory.path, ...named, ...flags]);
}

describe('plan of files', () => {
  it('describes the effect on nodes that use DRA: devices in slices, DeviceClasses and taints', async () => {
    const onDra = held.replace('name: h1\nstatus:', 'name: h1\nstatus:\n  allocation: DRA');
    const [classic, dra] = await Promise.all(
      [held, onDra].map((cluster) => change({ 'nodes.yaml': cluster }, { 'p.yaml': policy })),
    );
    assert.doesNotMatch(classic?.stdout ?? '', /Dynamic resource allocation/);
    assert.match(
      dra?.stdout ?? '',
      /^Dynamic resource allocation:\n {2}h1: 125 devices in ResourceSlices, before 300\n/m,
    );
    assert.match(
      dra?.stdout ?? '',
      /^ {2}DeviceClass x-\w{16}\.macvtap\.network\.kubevirt\.io is created, for bondedIface$/m,
    );
    const evicting = policy.replace(/^spec:\n/m, 'spec:\n  onCarrierLoss: Evict\n  carrierLossGracePeriod: 1m\n');
    const edited = await change({ 'nodes.yaml': onDra, 'old.yaml': policy }, { 'p.yaml': evicting });
    assert.match(
      edited.stdout,
      /^ {2}h1: quickDataplane: taints without a carrier: NoSchedule, and NoExecute after 60 s, before NoSchedule/m,
    );
    const removed = await change({ 'nodes.yaml': onDra, 'old.yaml': policy }, {}, '--delete', 'policy/policy-1');
    assert.match(
      removed.stdout,
      /^ {2}DeviceClass .* is deleted, for dataplane; new pods and claims that use it stay Pending$/m,
    );
    const one = await change({ 'nodes.yaml': onDra }, { 'p.yaml': policy }, '--node', 'h1', '-o', 'json');
    assert.deepEqual(JSON.parse(one.stdout).dra.devices, [{ node: 'h1', before: 300, after: 125 }]);
    assert.deepEqual(JSON.parse(one.stdout).dra.created, []);
  });

  it('lists what nodes gain, lose and change, and how many devices pods hold there', async () => {
    const { code, stdout, stderr } = await change({ 'nodes.yaml': held }, { 'p.yaml': policy });
    assert.deepEqual([code, stderr], [1, '']);
    const [table, sum, notes, end] = stdout.trimEnd().split('\n\n');
    assert.deepEqual(table?.split('\n').slice(0, 6), [
      'NODE  CHANGE  RESOURCE        HELD  BEFORE                       AFTER',
      'h1    loses   bond1           0     bond1 bridge 100 (implicit)  -',
      'h1    loses   eth0            2     eth0 bridge 100 (implicit)   -',
      'h1    loses   eth1            0     eth1 bridge 100 (implicit)   -',
      'h1    gains   bondedIface     -     -                            bond1 private 25 (macvtap-cni/policy-1)',
      'h1    gains   quickDataplane  -     -                            eth1 vepa 100 (macvtap-cni/policy-1)',
    ]);
    assert.match(
      sum ?? '',
      /^In total:\n {2}ResourceLost {2}7 resources: 2 nodes lose some of them, 2 devices held: h1, h2; they are eth0 \(2 held\), bond1, /,
    );
    assert.match(
      notes ?? '',
      /^Not exposed after the change:\n {2}h1 and h2 {2}NothingFound {2}macvtap-cni\/policy-1\[2\] eth2/,
    );
    assert.match(end ?? '', /^1 node unchanged\ndevices that pods hold keep their parent and mode/);
  });

  it('prints no changes, and exits with 0, when the cluster already matches', async () => {
    const { code, stdout } = await change({ 'nodes.yaml': nodes, 'p.yaml': policy }, { 'p.yaml': policy });
    assert.deepEqual([code, stdout], [0, 'no resource of any node changes\n\n3 nodes unchanged\n']);
  });

  it('shows an edit as before and after, for one node and as JSON', async () => {
    const edited = policy.replace('mode: private', 'mode: vepa');
    const cluster = { 'nodes.yaml': nodes, 'p.yaml': policy };
    const { code, stdout } = await change(cluster, { 'p.yaml': edited }, '--node=h2', '-ojson');
    const { nodes: changed, unchanged } = JSON.parse(stdout);
    assert.deepEqual([code, unchanged, changed.length], [1, 0, 1]);
    const [{ resource, effect, how, before, after }] = changed[0].resources;
    assert.deepEqual([resource, effect, how], ['bondedIface', 'changed', 'mode private -> vepa']);
    assert.deepEqual([before.mode, after.mode], ['private', 'vepa']);
  });

  it('lists deletions, and a config map', async () => {
    const cluster = { 'nodes.yaml': nodes, 'p.yaml': policy };
    const gone = await change(cluster, {}, '--delete', 'policy/policy-1');
    assert.match(gone.stdout, /gains {3}eth0 .*eth0 bridge 100 \(implicit\)/);
    const config = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'macvtap-deviceplugin-config' },
      data: { DP_MACVTAP_CONF: '[{"name":"x","lowerDevice":"eth0"}]' },
    };
    const files = { 'cm.json': JSON.stringify(config) };
    const explicit = await change(cluster, files, '--delete=policy/policy-1', '-n', 'macvtap-cni');
    assert.match(explicit.stdout, /^h1 {4}gains {3}x .*eth0 bridge 100 \(explicit\)$/m);
    assert.match(
      (await change(cluster, files)).stdout,
      /^no resource of any node changes/,
      'in namespace default, the policy has no effect',
    );
  });

  it('treats a new policy as younger than existing ones', async () => {
    const old = policy.replace('name: policy-1', 'name: z\n  creationTimestamp: "2026-01-01T00:00:00Z"');
    const { stdout } = await change({ 'nodes.yaml': nodes, 'p.yaml': old }, { 'p.yaml': policy });
    assert.match(stdout, /h1 and h2 {2}ResourceNameTaken {2}macvtap-cni\/policy-1\[0\].*macvtap-cni\/z/);
    assert.match(stdout, /^3 nodes unchanged$/m);
  });

  it('reads standard input', async () => {
    await using directory = await ManifestsDirectory.make({ 'nodes.yaml': nodes });
    const program = fileURLToPath(new URL('../../cli/kubectl-macvtap.ts', import.meta.url));
    const args = [program, 'plan', directory.path, '-f', '-'];
    const { status, stdout } = spawnSync(process.execPath, args, { input: policy, encoding: 'utf8' });
    assert.deepEqual([status, stdout.includes('bondedIface')], [1, true]);
  });
});

const invalid = [
  { title: 'a file that is not there', file: undefined, says: /nowhere\.yaml: ENOENT/ },
  { title: 'a file that is not YAML', file: 'a: [', says: /p\.yaml:1: invalid YAML/ },
  {
    title: 'an object that the schema refuses',
    file: policy.replace('private', 'public'),
    says: /p\.yaml:\d+: Macv.*mode/,
  },
  {
    title: 'a policy outside of the installation',
    file: policy.replace('namespace: macvtap-cni', 'namespace: vms'),
    says: /p\.yaml:\d+: .*PolicyOutsideNamespace/,
  },
] as const;

describe('plan of files that cannot be applied', () => {
  for (const { title, file, says } of invalid) {
    it(`reports ${title}, and exits with 2`, async () => {
      const { code, stdout, stderr } =
        file === undefined
          ? await change({ 'nodes.yaml': nodes }, {}, '-f', '/nowhere.yaml')
          : await change({ 'nodes.yaml': nodes }, { 'p.yaml': file });
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, says);
    });
  }

  it('lists existing names for an unknown deletion', async () => {
    const cluster = { 'nodes.yaml': nodes, 'p.yaml': policy };
    const { code, stderr } = await change(cluster, {}, '--delete=policy/policy-2', '--delete=pod/x');
    assert.equal(code, 2);
    assert.match(stderr, /policy\/policy-2: no such policy in macvtap-cni; did you mean policy-1\?/);
    assert.match(stderr, /pod\/x: write policy\/<name>/);
  });
});
