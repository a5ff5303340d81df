// SPDX-License-Identifier: Apache-2.0
// Tests `kubectl macvtap` in a cluster whose nodes have real plugins and whose pods hold real devices.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../process/run-program.ts';
import { startProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import type { MacvtapCluster } from './macvtap-cluster-of-file.ts';
import { deletePod, deletePodsIfAny, runPod } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed, clearSeed } from './seed-objects.ts';

export function cliTests(cluster: MacvtapCluster): void {
  const policyFile = fileURLToPath(new URL('../fixtures/seed/node-centric/policy.yaml', import.meta.url));
  let folder: Awaited<ReturnType<typeof mkdtempDisposable>>;
  const guardMs = 120_000;

  const macvtap = (...flags: readonly string[]) =>
    runProgram('cli/kubectl-macvtap.ts', [...flags, '--kubeconfig', cluster.kubeconfig]);

  describe('kubectl macvtap, on real nodes', () => {
    // Each step is undone even if a later step fails. Otherwise, its remains would affect the next tests.
    const undo = new AsyncDisposableStack();
    before(async () => {
      folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-cli-')));
      undo.defer(() => clearSeed(cluster));
      await applySeed(cluster);
      undo.defer(() => deletePodsIfAny(cluster, ['vm', 'second']));
      await runPod(cluster, { name: 'vm', node: 'h1', networks: 'macvtap0' });
      await untilHeld(cluster, 'h1', 'bondedIface', 1);
    });
    after(() => undo.disposeAsync());

    it("status shows a pod's devices, the status of the policy, and that there are no problems", async () => {
      const { code, stdout } = await until(
        () => macvtap('status'),
        ({ stdout }) => / 1\/25 /.test(stdout) && /^macvtap-cni\/policy-1 +True +True/m.test(stdout),
        guardMs,
      );
      assert.equal(code, 0);
      assert.match(stdout, /^h1 +bondedIface +bond1 +private +1\/25 +Healthy +macvtap-cni\/policy-1$/m);
      assert.match(stdout, /^h3 +eth0 +eth0 +bridge +0\/100 +Healthy +implicit$/m);
      assert.doesNotMatch(stdout, /no node plugin runs|no report|other nodes have|not ready/);
    });

    it('status --watch shows changes of held devices', async () => {
      const program = fileURLToPath(new URL('../../cli/kubectl-macvtap.ts', import.meta.url));
      const command = [process.execPath, program, 'status', '-w', '--kubeconfig', cluster.kubeconfig] as const;
      await using watching = startProcess({ name: 'status', command });
      await watching.waitForLine(/^node h1: bondedIface: .* 1\/25 Healthy$/, guardMs);
      await runPod(cluster, { name: 'second', node: 'h1', networks: 'macvtap0' });
      await watching.waitForLine(/^node h1: bondedIface: .* 2\/25 Healthy$/, guardMs);
      await deletePod(cluster, 'second');
      watching.signal('SIGINT');
      assert.deepEqual(await watching.exit, { code: 0, signal: null });
      await untilHeld(cluster, 'h1', 'bondedIface', 1);
    });

    it('plan -f shows which pods an edit affects, and no change for the policy in force', async () => {
      const edited = (await readFile(policyFile, 'utf8')).replace('mode: private', 'mode: bridge');
      const path = join(folder.path, 'edited.yaml');
      await writeFile(path, edited);
      const change = await until(
        () => macvtap('plan', '-f', path),
        ({ stdout }) => /^h1 +changes +bondedIface +1 +bond1 private 25 .*bond1 bridge 25/m.test(stdout),
        guardMs,
      );
      assert.equal(change.code, 1);
      const same = await macvtap('plan', '-f', policyFile);
      assert.deepEqual([same.code, same.stdout.split('\n')[0]], [0, 'no resource of any node changes']);
    });

    it('graph draws held devices', async () => {
      const { code, stdout } = await macvtap('graph');
      assert.equal(code, 0);
      assert.match(stdout, />bond1<.*>bondedIface<.*>1\/25 held</s);
    });

    it('support-bundle collects the logs of every plugin, and no secret', async () => {
      const archive = join(folder.path, 'bundle.tar.gz');
      const { code, stderr } = await macvtap('support-bundle', '-o', archive);
      assert.equal(code, 0, stderr);
      const tar = (...args: readonly string[]) => execFileSync('tar', args, { encoding: 'utf8', maxBuffer: 1e8 });
      const names = tar('-tzf', archive).split('\n');
      assert.equal(names.filter((name) => /logs\/kube-macvtap-nodeplugin-/.test(name)).length, 3, names.join('\n'));
      assert.ok(names.some((name) => /logs\/kube-macvtap-webhook-/.test(name)));
      const all = tar('-xOzf', archive);
      const secret = await cluster.mustKubectl(['get', 'secret', '-A', '-o', 'jsonpath={.items[*].data}']);
      const values = [...secret.matchAll(/"([A-Za-z0-9+/=]{40,})"/g)].map(([, value = '']) => value.slice(0, 60));
      assert.ok(values.length > 0);
      assert.deepEqual(
        [...values, 'PRIVATE KEY', cluster.admin.token].filter((value) => all.includes(value)),
        [],
      );
      assert.match(tar('-xOzf', archive, 'kube-macvtap-support/notes.txt'), /^everything was read$/m);
    });

    it('runs in the pods of both programs, with the rights of their service accounts', async () => {
      const pods = await cluster.mustKubectl(['get', 'pods', '-n', 'macvtap-cni', '-o', 'name']);
      const webhook = pods.split('\n').find((name) => name.includes('webhook')) ?? '';
      const exec = ['exec', '-n', 'macvtap-cni', webhook, '--', '/app/cli/kubectl-macvtap', 'status'];
      const { code, stdout, stderr } = await cluster.kubectl(exec);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^h1 +bondedIface +bond1 +private +1\/25 +Healthy/m);
      assert.match(stderr, /Pods: not read: the right to list pods in the namespace macvtap-cni is missing/);
    });
  });
}
