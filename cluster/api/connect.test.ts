// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, rename, writeFile } from 'node:fs/promises';
import { type Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { generate } from 'selfsigned';
import { stringify } from 'yaml';
import { createApiClient } from './client.ts';
import { connect, connectByPlainKubeconfig, connectInCluster, plainContextNamespace } from './connect.ts';
import type { Connection } from './connection.ts';
import { connectByKubeconfig, namespaceOfContext } from './kubeconfig.ts';

const names = [{ type: 7, ip: '127.0.0.1' }] as const;

/**
 * Starts a TLS server with its own certificate. It accepts one token, and answers with the credentials that it
 * received.
 */
async function startTlsServer() {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-connect-')));
  const pair = await generate([{ name: 'commonName', value: 'server' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [...names] }],
  });
  let token = 'first';
  const asked: (string | undefined)[] = [];
  const server = createServer({ key: pair.private, cert: pair.cert }, ({ headers }, response) => {
    asked.push(headers.authorization);
    const isKnown = headers.authorization === `Bearer ${token}` || headers.authorization?.startsWith('Basic ');
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(headers.authorization ?? null));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const scope = undo.move();
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: pair.cert,
    folder: folder.path,
    asked,
    expect: (next: string) => {
      token = next;
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Replaces a file atomically, like kubelet and editors. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

function kubeconfig(server: string, cluster: object, user: object): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

describe('a pod', () => {
  it('sends the token of its service account, also after a rotation', async () => {
    await using server = await startTlsServer();
    await writeFile(join(server.folder, 'ca.crt'), server.ca);
    await writeFile(join(server.folder, 'token'), 'first\n');
    using client = createApiClient(connectInCluster(server.url, server.folder));
    assert.deepEqual(await client.request('GET', '/'), { status: 200, body: 'Bearer first' });
    await replace(join(server.folder, 'token'), 'second');
    assert.equal((await client.request('GET', '/')).body, 'Bearer first', 'the token is not read for each request');
    server.expect('second');
    assert.deepEqual(await client.request('GET', '/'), { status: 200, body: 'Bearer second' });
  });

  it('reads its token again after a minute, even if the server did not reject it', async (t) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-connect-'));
    let nowMs = 1_000;
    t.mock.method(performance, 'now', () => nowMs);
    await writeFile(join(folder.path, 'ca.crt'), '');
    await writeFile(join(folder.path, 'token'), 'first');
    using connection = connectInCluster('https://127.0.0.1:1', folder.path);
    const token = async () => (await connection.credentials()).headers.authorization;
    assert.equal(await token(), 'Bearer first');
    await replace(join(folder.path, 'token'), 'second');
    nowMs += 59_999;
    assert.equal(await token(), 'Bearer first');
    nowMs += 1;
    assert.equal(await token(), 'Bearer second');
  });

  it('trusts only the CA of its service account', async () => {
    await using server = await startTlsServer();
    await using other = await startTlsServer();
    await writeFile(join(server.folder, 'ca.crt'), other.ca);
    await writeFile(join(server.folder, 'token'), 'first');
    using connection = connectInCluster(server.url, server.folder);
    const client = createApiClient(connection);
    await assert.rejects(client.request('GET', '/'), { code: 'ApiServerUnreachable' });
    assert.deepEqual(server.asked, [], 'no server got the token');
    await replace(join(server.folder, 'ca.crt'), server.ca);
    await connection.credentials(true);
    assert.equal((await client.request('GET', '/')).status, 200);
  });

  it('without a mounted service account gets an error that names the missing file', async () => {
    await using server = await startTlsServer();
    using client = createApiClient(connectInCluster(server.url, server.folder));
    await assert.rejects(client.request('GET', '/'), { code: 'ApiServerUnknown', message: /token|ca\.crt/ });
  });
});

describe('a kubeconfig', () => {
  const users = [
    { title: 'a token', user: { token: 'first' }, body: 'Bearer first' },
    { title: 'a name and a password', user: { username: 'a', password: 'b' }, body: `Basic ${btoa('a:b')}` },
    {
      title: 'an exec plugin',
      user: {
        exec: {
          apiVersion: 'client.authentication.k8s.io/v1',
          command: 'echo',
          args: ['{"kind":"ExecCredential","status":{"token":"first"}}'],
        },
      },
      body: 'Bearer first',
    },
  ];
  for (const { title, user, body } of users) {
    it(`provides the credentials of ${title}`, async () => {
      await using server = await startTlsServer();
      const file = join(server.folder, 'config');
      await writeFile(join(server.folder, 'ca.crt'), server.ca);
      await writeFile(file, kubeconfig(server.url, { 'certificate-authority': 'ca.crt' }, user));
      using client = createApiClient(await connect({ kubeconfig: file }));
      assert.deepEqual(await client.request('GET', '/'), { status: 200, body });
    });
  }

  it('is read again if the server rejects the credentials', async () => {
    await using server = await startTlsServer();
    const file = join(server.folder, 'config');
    const cluster = { 'certificate-authority-data': btoa(server.ca) };
    await writeFile(file, kubeconfig(server.url, cluster, { token: 'first' }));
    using client = createApiClient(await connect({ kubeconfig: file }));
    assert.equal((await client.request('GET', '/')).status, 200);
    server.expect('second');
    await replace(file, kubeconfig(server.url, cluster, { token: 'second' }));
    assert.deepEqual(await client.request('GET', '/'), { status: 200, body: 'Bearer second' });
  });

  it('does not trust the server without the CA, unless the kubeconfig skips verification', async () => {
    await using server = await startTlsServer();
    const file = join(server.folder, 'config');
    await writeFile(file, kubeconfig(server.url, {}, { token: 'first' }));
    using strict = createApiClient(await connect({ kubeconfig: file }));
    await assert.rejects(strict.request('GET', '/'), { code: 'ApiServerUnreachable' });
    await replace(file, kubeconfig(server.url, { 'insecure-skip-tls-verify': true }, { token: 'first' }));
    using lax = createApiClient(await connect({ kubeconfig: file }));
    assert.equal((await lax.request('GET', '/')).status, 200);
  });

  for (const [title, text] of [
    ['not YAML', 'clusters: ['],
    ['empty', ''],
    ['without a context', '{"clusters":[],"contexts":[],"users":[]}'],
    [
      'with a context whose cluster is missing',
      '{"current-context":"x","contexts":[{"name":"x","context":{"cluster":"gone"}}]}',
    ],
    ['with an invalid server URL', kubeconfig('nowhere at all', {}, {})],
  ] as const) {
    it(`that is ${title} causes an error with its path and the reason`, async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-connect-'));
      const file = join(folder.path, 'config');
      await writeFile(file, text);
      await assert.rejects(connect({ kubeconfig: file }), (error: Error & { code: string }) => {
        assert.equal(error.code, 'ApiServerUnknown');
        assert.ok(error.message.includes(file), error.message);
        return true;
      });
    });
  }

  it('that does not exist causes an error with its path', async () => {
    await assert.rejects(connect({ kubeconfig: '/nowhere/config' }), { code: 'ApiServerUnknown', message: /ENOENT/ });
  });
});

describe('a plain kubeconfig, which is read without the library', () => {
  const pair = { 'client-certificate-data': btoa('cert'), 'client-key-data': btoa('key') };
  const server = 'https://127.0.0.1:1/prefix/';
  /** Returns what a connection uses for a request: its server, headers and TLS options. */
  const sentBy = async (connection: Connection | undefined) => {
    using opened = connection ?? assert.fail('not plain');
    const { headers, agent } = await opened.credentials();
    const { ca, cert, key, servername, rejectUnauthorized } = (agent as Agent).options;
    return { server: opened.server, headers, ca, cert, key, servername, rejectUnauthorized };
  };
  const inFolder = async <Result>(text: string, use: (file: string) => Promise<Result>): Promise<Result> => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-connect-'));
    await writeFile(join(folder.path, 'config'), text);
    for (const name of ['ca.crt', 'cert.pem', 'key.pem']) await writeFile(join(folder.path, name), `file ${name}`);
    return await use(join(folder.path, 'config'));
  };

  for (const [title, text] of [
    ['a token', kubeconfig(server, {}, { token: 'first ' })],
    ['an empty user', kubeconfig(server, {}, {})],
    ['a client certificate', kubeconfig(server, { 'certificate-authority-data': btoa('ca') }, pair)],
    [
      'files next to it',
      kubeconfig(
        server,
        { 'certificate-authority': 'ca.crt' },
        { 'client-certificate': 'cert.pem', 'client-key': 'key.pem' },
      ),
    ],
    [
      'a file and data of one certificate',
      kubeconfig(server, { 'certificate-authority': 'ca.crt', 'certificate-authority-data': btoa('ca') }, pair),
    ],
    [
      'another server name and without verification',
      kubeconfig(server, { 'tls-server-name': 'api', 'insecure-skip-tls-verify': true, extensions: [] }, pair),
    ],
    ['YAML', `${stringify(JSON.parse(kubeconfig(server, {}, { token: 'first' })))}# end\n`],
  ] as const) {
    it(`has the same credentials as with the library: ${title}`, async () => {
      await inFolder(text, async (file) => {
        assert.deepEqual(
          await sentBy(connectByPlainKubeconfig(file, undefined)),
          await sentBy(connectByKubeconfig(file)),
        );
        assert.deepEqual(plainContextNamespace(file, undefined)?.namespace, namespaceOfContext(file));
      });
    });
  }

  it('can have several contexts with namespaces', async () => {
    const config = JSON.parse(kubeconfig(server, {}, { token: 'first' }));
    config.users.push({ name: 'v', user: { token: 'second' } });
    config.contexts.push({ name: 'y', context: { cluster: 'c', user: 'v', namespace: 'vms' } });
    await inFolder(JSON.stringify(config), async (file) => {
      assert.deepEqual(await sentBy(connectByPlainKubeconfig(file, 'y')), await sentBy(connectByKubeconfig(file, 'y')));
      assert.deepEqual(plainContextNamespace(file, 'y')?.namespace, namespaceOfContext(file, 'y'));
      assert.equal(connectByPlainKubeconfig(file, 'z'), undefined);
    });
  });

  const plain = JSON.parse(kubeconfig(server, {}, { token: 'first' }));
  for (const [title, text] of [
    ['an exec plugin', kubeconfig(server, {}, { token: 'first', exec: { command: 'x' } })],
    ['an auth provider', kubeconfig(server, {}, { 'auth-provider': { name: 'oidc' } })],
    ['a password', kubeconfig(server, {}, { username: 'a', password: 'b' })],
    ['a token file', kubeconfig(server, {}, { 'token-file': '/token' })],
    ['impersonation', kubeconfig(server, {}, { token: 'first', as: 'somebody' })],
    ['a proxy', kubeconfig(server, { 'proxy-url': 'http://proxy' }, { token: 'first' })],
    ['a merge key', kubeconfig(server, {}, { '<<': { exec: {} } })],
    ['a number as token', kubeconfig(server, {}, { token: 1 })],
    ['a missing CA file', kubeconfig(server, { 'certificate-authority': 'gone' }, {})],
    ['a server that is not a URL', kubeconfig('nowhere at all', {}, {})],
    ['an incomplete entry', JSON.stringify({ ...plain, users: [...plain.users, { user: {} }] })],
    ['two entries of one name', JSON.stringify({ ...plain, users: [...plain.users, ...plain.users] })],
    ['no user', JSON.stringify({ ...plain, contexts: [{ name: 'x', context: { cluster: 'c' } }] })],
    ['no current context', JSON.stringify({ ...plain, 'current-context': '' })],
    ['invalid YAML', 'clusters: ['],
    ['a list', '[]'],
  ] as const) {
    it(`is left to the library with ${title}`, async () => {
      await inFolder(text, async (file) => {
        assert.equal(connectByPlainKubeconfig(file, undefined), undefined);
        assert.equal(plainContextNamespace(file, undefined), undefined);
      });
    });
  }

  it('is left to the library if it does not exist', () => {
    assert.equal(connectByPlainKubeconfig('/nowhere/config', undefined), undefined);
  });
});
