// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import type { Interception } from '../apiserver-standin/start-api-server.ts';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
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

describe('a server that is not an API server, or gives unusual answers', () => {
  for (const { title, answer, says } of [
    {
      title: 'a sign-in page',
      answer: () => ({ status: 200, body: page }),
      says: /invalid JSON.*; the server there is not a Kubernetes API server: check the server in the kubeconfig/,
    },
    {
      title: 'a server without Nodes',
      answer: () => status(404, 'not found'),
      says: /127\.0\.0\.1:\d+ has no Nodes; the server there is not a Kubernetes API server/,
    },
    {
      title: 'a cluster without the CRDs',
      answer: (kind: string) => (kind.startsWith('Macvtap') ? status(404, 'not found') : undefined),
      says: /kube-macvtap is not installed in this cluster: .* has no Macvtap\w+; install it/,
    },
    {
      title: 'a proxy that fails',
      answer: () => ({ status: 502, body: page, headers: html }),
      says: /Nodes: list of Nodes: 502: <html>/,
    },
    {
      title: 'an empty error response',
      answer: () => ({ status: 500, body: {} }),
      says: /Nodes: list of Nodes: 500: no reason given/,
    },
    {
      title: 'nobody known',
      answer: () => status(401, 'Unauthorized'),
      says: /401: Unauthorized; check that the token/,
    },
  ] as const) {
    it(`prints one line, or one for each kind, with the next step: ${title}`, async () => {
      const { code, stdout, stderr } = await ask(answer, 'status');
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /\n {4}at |\[object/);
      assert.equal((await ask(answer, 'why', 'node/h1')).code, 2);
    });
  }

  it('is called again if it requests that, as kubectl does', async () => {
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

describe('a user with wrong arguments', () => {
  it('gets the version', async () => {
    const printed = await runProgram('cli/kubectl-macvtap.ts', ['--version']);
    assert.match(printed.stdout, /^kubectl-macvtap \d+\.\d+\.\d+/);
  });

  it('gets an error that names the unusable file in $KUBECONFIG', async () => {
    await using directory = await ManifestsDirectory.make({ empty: '' });
    for (const [path, why] of [
      ['/nonexistent', /\$KUBECONFIG, which is \/nonexistent, cannot be used: ENOENT/],
      [`${directory.path}/empty`, /\$KUBECONFIG, which is .*\/empty, cannot be used: /],
    ] as const) {
      const { code, stderr } = await runProgram('cli/kubectl-macvtap.ts', ['status'], { KUBECONFIG: path });
      assert.equal(code, 1);
      assert.match(stderr, why);
    }
  });

  it('gets an error for files without policies, and for a file instead of a directory', async () => {
    const path = new URL('../fixtures/seed/', import.meta.url).pathname;
    const { code, stdout, stderr } = await ask(() => undefined, 'plan', '-f', `${path}nodes.yaml`);
    assert.equal(code, 0);
    assert.match(stdout, /^no resource of any node changes/);
    assert.match(stderr, /nodes\.yaml: no policy and no config map of macvtap-cni, so there is nothing to compare$/m);
    const file = await runProgram('cli/kubectl-macvtap.ts', ['plan', `${path}nodes.yaml`]);
    assert.deepEqual([file.code, file.stdout], [2, '']);
    assert.match(file.stderr, /nodes\.yaml: a file; name its directory, or use -f/);
    const source = await runProgram('cli/kubectl-macvtap.ts', ['status', `--source=manifests:${path}nodes.yaml`]);
    assert.match(
      source.stderr,
      /nodes\.yaml: not a directory; set the directory that contains it; see docs\/reference\/errors\.md#ManifestsUnreadable$/m,
    );
  });
});
