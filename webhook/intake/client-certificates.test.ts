// SPDX-License-Identifier: Apache-2.0
// Tests a webhook that requires client certificates: it answers accepted clients, and no others.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { generate } from 'selfsigned';
import { makeScratchFolder } from '../../test/apiserver/scratch-folder.ts';
import { requestText } from '../../test/fixtures/webhook/connected-app.ts';
import { keepCounts } from '../../test/fixtures/webhook/keep-counts.ts';
import { keepLog } from '../../test/fixtures/webhook/keep-log.ts';
import { servingPair } from '../../test/fixtures/webhook/serving-pair.ts';
import { until } from '../../test/process/until.ts';
import { buildApp } from '../app.ts';
import { followCertificate } from '../tls/follow-certificate.ts';
import { followClientCa } from '../tls/tls-settings.ts';

type Identity = { readonly cert: string; readonly key: string };

async function makeCa(name: string) {
  const ca = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
    ],
  });
  const sign = async (commonName: string): Promise<Identity> => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: commonName }], {
      keyType: 'ec',
      algorithm: 'sha256',
      ca: { key: ca.private, cert: ca.cert },
      extensions: [{ name: 'extKeyUsage', clientAuth: true }],
    });
    return { cert, key };
  };
  return { pem: ca.cert, sign };
}

/** Starts the app with the CAs of a file for client certificates. */
async function stage(caPem: string, clientNames: readonly string[] = []) {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await makeScratchFolder());
  const file = join(path, 'ca.crt');
  await writeFile(file, caPem);
  const faults: string[] = [];
  const clientCa = undo.use(followClientCa({ file, onUnusable: ({ code }) => void faults.push(code), pollMs: 20 }));
  const { recorder, events } = keepCounts();
  const endpoint = { path: '/mutate/pods', kind: 'Pod', verb: 'mutate', onFailure: 'refuse' } as const;
  const app = buildApp({
    endpoints: [{ ...endpoint, handle: () => ({ verdicts: [] }) }],
    recorder,
    log: keepLog().log,
    tls: {},
    isStopping: () => false,
    clientNames,
  });
  undo.defer(() => app.close());
  const { authority, ...pair } = await servingPair();
  const source = { current: pair, problems: [], onChange: () => ({ [Symbol.dispose]: () => {} }) };
  undo.use(followCertificate({ server: app.server, source, clientCa, onServed: () => {}, onUnusable: assert.fail }));
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as { port: number };
  const own = undo.move();
  return {
    file,
    faults,
    refusals: () => events.filter((event) => event.startsWith('refusal')),
    /** Returns the answer to an admission request, or the bytes received before the connection ended. */
    async ask(identity?: Identity): Promise<string> {
      const socket = connect({ port, host: '127.0.0.1', ca: authority.pem, servername: 'localhost', ...identity });
      own.defer(() => void socket.destroy());
      let text = '';
      socket.on('error', () => {}).on('data', (chunk) => (text += chunk));
      socket.write(requestText('u'));
      await until(
        async () => socket.closed || text.includes('"allowed"'),
        (isOver) => isOver,
      );
      return text;
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}

test('only a client with a certificate of the CA gets an answer', { timeout: 60_000 }, async () => {
  const [ca, foreign] = [await makeCa('clients'), await makeCa('others')];
  await using server = await stage(ca.pem);
  assert.match(await server.ask(await ca.sign('kube-apiserver')), /"allowed":true/);
  assert.equal(await server.ask(), '');
  assert.equal(await server.ask(await foreign.sign('kube-apiserver')), '');
  assert.deepEqual(server.refusals(), Array(2).fill('refusal client-certificate'));
});

test('if names are given, the common name of the certificate must be one of them', { timeout: 60_000 }, async () => {
  const ca = await makeCa('clients');
  await using server = await stage(ca.pem, ['kube-apiserver', 'second']);
  assert.match(await server.ask(await ca.sign('second')), /"allowed":true/);
  assert.equal(await server.ask(await ca.sign('kubelet')), '');
  assert.deepEqual(server.refusals(), ['refusal client-certificate']);
});

test('changes of the CA file take effect, and an unusable file changes nothing', { timeout: 60_000 }, async () => {
  const [first, second] = [await makeCa('first'), await makeCa('second')];
  await using server = await stage(first.pem);
  await writeFile(server.file, 'no certificate');
  await until(
    async () => server.faults,
    ({ length }) => length > 0,
  );
  const [before, after] = [await first.sign('a'), await second.sign('a')];
  assert.match(await server.ask(before), /"allowed":true/);
  await writeFile(server.file, second.pem);
  await until(
    () => server.ask(after),
    (answer) => answer.includes('"allowed":true'),
  );
  assert.equal(await server.ask(before), '');
  assert.ok(server.faults.every((code) => code === 'ClientCaUnusable'));
});

test('a webhook with an unusable CA file does not start', () => {
  assert.throws(() => followClientCa({ file: '/nonexistent/ca.crt', onUnusable: assert.fail }), {
    code: 'ClientCaUnusable',
    message: /cannot use the client CAs in \/nonexistent\/ca\.crt: .*; write PEM certificates/,
  });
});
