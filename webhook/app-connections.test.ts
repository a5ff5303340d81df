// SPDX-License-Identifier: Apache-2.0
// What becomes of connections to the app, and of what comes over them, beside what a single request shows.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { connect } from 'node:tls';
import { keepCounts } from '../test/fixtures/webhook/keep-counts.ts';
import { keepLog } from '../test/fixtures/webhook/keep-log.ts';
import { servingPair } from '../test/fixtures/webhook/serving-pair.ts';
import { until } from '../test/process/until.ts';
import type { Endpoint } from './admission/judgement.ts';
import { type AppDeps, buildApp, type WebhookApp } from './app.ts';
import { tlsDefaults } from './tls/follow-certificate.ts';

/** The app with one endpoint. */
function buildWith(judge: Endpoint['judge'], tls: AppDeps['tls']): WebhookApp {
  const endpoint = { path: '/mutate/pods', kind: 'Pod', verb: 'mutate', onTrouble: 'refuse', judge } as const;
  const { recorder } = keepCounts();
  return buildApp({ endpoints: [endpoint], recorder, log: keepLog().log, tls, isStopping: () => false });
}

/** It, listening over TLS. */
async function listen(judge: Endpoint['judge']) {
  const { certPem, keyPem, authority } = await servingPair();
  const app = buildWith(judge, { ...tlsDefaults, cert: certPem, key: keyPem });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as { port: number };
  return { app, port, ca: authority.pem, [Symbol.asyncDispose]: () => app.close() };
}

function requestText(uid: string, padding = ''): string {
  const object = { metadata: { name: 'a', namespace: 'tenant' }, padding };
  const request = { uid, kind: { kind: 'Pod' }, operation: 'CREATE', namespace: 'tenant', object };
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  return [
    'POST /mutate/pods?timeout=10s HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

const isListening = async (app: WebhookApp) => app.server.listening;

describe('a connection of the app', () => {
  it('brings answers until it ends, also to what is sent over it while the app closes', {
    timeout: 60_000,
  }, async () => {
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const dues: boolean[] = [];
    await using server = await listen(async ({ uid }, { isDue }) => {
      dues.push(isDue());
      if (uid === 'first') entered.resolve();
      await leave.promise;
      dues.push(isDue());
      return { verdicts: [] };
    });
    const socket = connect({ port: server.port, host: '127.0.0.1', ca: server.ca, servername: 'localhost' });
    using _cut = { [Symbol.dispose]: () => socket.destroy() };
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.write(requestText('first'));
    await entered.promise;
    const closed = server.app.close();
    await until(
      () => isListening(server.app),
      (listening) => !listening,
    );
    socket.write(requestText('second'));
    await until(
      async () => dues.length,
      (count) => count === 2,
    );
    leave.resolve();
    await until(
      async () => text,
      (seen) => seen.includes('"uid":"first"') && seen.includes('"uid":"second"'),
    );
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
    assert.deepEqual(dues, [false, true, true, true], 'what only informs ends when the app closes');
    socket.destroy();
    await closed;
  });

  it('waits with a large body until those before it are answered or given up, and with a small one for nothing', {
    timeout: 60_000,
  }, async () => {
    const asked: string[] = [];
    const leave = Promise.withResolvers<void>();
    await using server = await listen(async ({ uid }) => {
      asked.push(uid);
      if (uid === 'second') await leave.promise;
      if (uid === 'first') await new Promise(() => undefined);
      return { verdicts: [] };
    });
    const sockets: Socket[] = [];
    server.app.server.on('connection', (socket: Socket) => sockets.push(socket));
    await using undo = new AsyncDisposableStack();
    const send = async (uid: string, padding = '') => {
      const socket = connect({ port: server.port, host: '127.0.0.1', ca: server.ca, servername: 'localhost' });
      undo.defer(() => void socket.destroy());
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      await new Promise((sent) => socket.write(requestText(uid, padding), sent));
      return socket;
    };
    const isAsked = (...uids: readonly string[]) =>
      until(
        async () => asked,
        (seen) => seen.join() === uids.join(),
      );
    const large = 'x'.repeat(3 * 1024 * 1024);
    const first = await send('first', large);
    await isAsked('first');
    await send('second', large);
    await send('small');
    await isAsked('first', 'small');
    first.destroy();
    await isAsked('first', 'small', 'second');
    const third = await send('third', large);
    await until(
      async () => sockets.at(-1)?.bytesRead ?? 0,
      (count) => count > large.length,
    );
    third.destroy();
    await until(
      async () => sockets.filter(({ destroyed }) => destroyed).length,
      (count) => count === 2,
    );
    leave.resolve();
    await send('fourth', large);
    await isAsked('first', 'small', 'second', 'fourth');
  });

  it('that brings a large body which is no JSON is told so, and the next in turn is read', async () => {
    const app = buildWith(() => ({ verdicts: [] }), {});
    const post = (payload: string) =>
      app.inject({ method: 'POST', url: '/mutate/pods', headers: { 'content-type': 'application/json' }, payload });
    const broken = `{"a":"${'x'.repeat(3 * 1024 * 1024)}"`;
    const answers = await Promise.all([post(broken), post(broken), post(broken)]);
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      [400, 400, 400],
    );
  });

  it('is kept by the app for longer than clients keep it, so that no request meets its end', async () => {
    await using server = await listen(() => ({ verdicts: [] }));
    // Go's http.DefaultTransport: IdleConnTimeout.
    assert.ok(server.app.server.keepAliveTimeout > 90_000);
  });

  it('on which nobody finishes a handshake is cut, long before the two minutes that Node would wait', async () => {
    await using server = await listen(() => ({ verdicts: [] }));
    const silent = connectPlain(server.port, '127.0.0.1');
    const [error] = await once(server.app.server, 'tlsClientError', { signal: AbortSignal.timeout(60_000) });
    assert.equal((error as NodeJS.ErrnoException).code, 'ERR_TLS_HANDSHAKE_TIMEOUT');
    silent.destroy();
  });
});

it('a route of the app that had a schema would refuse by it, and coerce, fill in and strip nothing', async () => {
  const app = buildWith(() => ({ verdicts: [] }), {});
  const body = {
    type: 'object',
    properties: { text: { type: 'string' }, filled: { type: 'string', default: 'x' } },
    additionalProperties: false,
  };
  app.post('/strict', { schema: { body } }, async (request) => request.body);
  const post = (payload: object) =>
    app.inject({
      method: 'POST',
      url: '/strict',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    });
  assert.equal((await post({ text: 1 })).statusCode, 400);
  assert.equal((await post({ other: 'a' })).statusCode, 400);
  assert.deepEqual(JSON.parse((await post({ text: 'a' })).body), { text: 'a' });
});
