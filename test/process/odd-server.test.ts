// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { Interception } from '../apiserver-standin/start-api-server.ts';
import { runProgram } from './run-program.ts';
import { startStandInCluster } from './stand-in-cluster.ts';

const nodes = await readFile(new URL('../fixtures/seed/nodes.yaml', import.meta.url), 'utf8');
const html = { 'content-type': 'text/html' };
const page = '<html>sign in</html>';
const status = (code: number, message: string): Interception => ({ status: code, body: { kind: 'Status', message } });

async function ask(answer: (path: string) => Interception | undefined, ...argv: readonly string[]) {
  await using cluster = await startStandInCluster(nodes);
  cluster.server.intercept(({ kind }) => answer(kind));
  return await runProgram('cli/kubectl-macvtap.ts', [...argv, '--kubeconfig', cluster.kubeconfig]);
}

describe('an API server that is none, or answers oddly', () => {
  for (const { title, answer, says } of [
    {
      title: 'a page to sign in',
      answer: () => ({ status: 200, body: page }),
      says: /no JSON.*; what answers there is no API server of Kubernetes: see which one the kubeconfig names/,
    },
    {
      title: 'something that knows not even Nodes',
      answer: () => status(404, 'not found'),
      says: /127\.0\.0\.1:\d+ knows no Nodes; what answers there is no API server of Kubernetes/,
    },
    {
      title: 'a cluster without our kinds',
      answer: (kind: string) => (kind.startsWith('Macvtap') ? status(404, 'not found') : undefined),
      says: /kube-macvtap is not installed in this cluster: .* knows no Macvtap\w+; install it/,
    },
    {
      title: 'a proxy that fails',
      answer: () => ({ status: 502, body: page, headers: html }),
      says: /Nodes: list of Nodes: 502: <html>/,
    },
    {
      title: 'an answer without words',
      answer: () => ({ status: 500, body: {} }),
      says: /Nodes: list of Nodes: 500: no reason given/,
    },
    {
      title: 'nobody known',
      answer: () => status(401, 'Unauthorized'),
      says: /401: Unauthorized; see whether the token/,
    },
  ] as const) {
    it(`is told in one line or one for each kind, with what to see to: ${title}`, async () => {
      const { code, stdout, stderr } = await ask(answer, 'status');
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /\n {4}at |\[object/);
      assert.equal((await ask(answer, 'why', 'node/h1')).code, 2);
    });
  }

  it('is asked again when it says so, as kubectl does', async () => {
    let refusals = 3;
    const busy = (kind: string): Interception | undefined => {
      if (kind !== 'Node' || refusals === 0) return undefined;
      refusals -= 1;
      return { status: 429, body: { kind: 'Status', message: 'too many requests' }, headers: { 'retry-after': '0' } };
    };
    const { code, stdout, stderr } = await ask(busy, 'plan', '--node=h1');
    assert.deepEqual([refusals, code], [0, 0], stderr);
    assert.match(stdout, /^h1 {4}bond1/m);
  });
});

describe('who asks for nothing that is there', () => {
  it('is told which version this is', async () => {
    const told = await runProgram('cli/kubectl-macvtap.ts', ['--version']);
    assert.match(told.stdout, /^kubectl-macvtap \d+\.\d+\.\d+/);
  });

  it('is told that files have nothing that plans rest on, and that a file is no directory', async () => {
    const path = new URL('../fixtures/seed/', import.meta.url).pathname;
    const { code, stdout, stderr } = await ask(() => undefined, 'plan', '-f', `${path}nodes.yaml`);
    assert.equal(code, 0);
    assert.match(stdout, /^no node changes/);
    assert.match(stderr, /^in .*nodes\.yaml is nothing that plans rest on: no policy, no config map of macvtap-cni$/m);
    const file = await runProgram('cli/kubectl-macvtap.ts', ['plan', `${path}nodes.yaml`]);
    assert.deepEqual([file.code, file.stdout], [2, '']);
    assert.match(file.stderr, /nodes\.yaml: a file; name its directory, or ask by -f/);
    const source = await runProgram('cli/kubectl-macvtap.ts', ['status', `--source=manifests:${path}nodes.yaml`]);
    assert.match(source.stderr, /nodes\.yaml: no directory; name the one it is in$/m);
  });
});
