// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { runProgram } from './run-program.ts';
import { startStandInCluster } from './stand-in-cluster.ts';

const readSeed = (name: string) => readFile(new URL(`../fixtures/seed/${name}`, import.meta.url), 'utf8');
const nodes = await readSeed('nodes.yaml');
const policy = (await readSeed('node-centric/policy.yaml')).replace(/^ {2}namespace: .*\n/m, '');

it('for objects without a namespace, plan of files uses the namespace of the context, as kubectl apply does', async () => {
  assert.doesNotMatch(policy, /namespace/);
  for (const { context, flags, code, says } of [
    { context: 'macvtap-cni', flags: [], code: 1, says: /^h1 {4}gains {3}bondedIface/m },
    { context: 'vms', flags: [], code: 2, says: /PolicyOutsideNamespace.*\bvms\b|\bvms\b.*PolicyOutsideNamespace/ },
    { context: undefined, flags: [], code: 2, says: /default\/policy-1/ },
    { context: 'vms', flags: ['-n', 'macvtap-cni'], code: 1, says: /^h1 {4}gains {3}bondedIface/m },
  ]) {
    await using cluster = await startStandInCluster(nodes, context);
    const path = join(cluster.folder, 'policy.yaml');
    await writeFile(path, policy);
    const given = ['plan', '-f', path, '--kubeconfig', cluster.kubeconfig, ...flags];
    const { code: ended, stdout, stderr } = await runProgram('cli/kubectl-macvtap.ts', given);
    assert.equal(ended, code, stderr);
    assert.match(stdout + stderr, says);
  }
});
