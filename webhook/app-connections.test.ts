// SPDX-License-Identifier: Apache-2.0
// Tests connections to the app over several requests, or without any request.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { describe, it } from 'node:test';
import { connect } from 'node:tls';
import { warn } from '../policy/reasons.ts';
import { buildWith, listen, requestText } from '../test/fixtures/webhook/connected-app.ts';
import { until } from '../test/process/until.ts';
import type { WebhookApp } from './app.ts';

const isListening = async (app: WebhookApp) => app.server.listening;

describe('a connection of the app', () => {
  it('still carries answers while the app closes, also to requests that are sent meanwhile', {
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
    assert.deepEqual(dues, [false, true, true, true], 'informational work is due when the app closes');
    socket.destroy();
    await closed;
  });

  it('gets the same answers for usual and unusual URLs, only one of which passes through Fastify', async () => {
    let reviews = 0;
    await using server = await listen(({ uid }) => {
      reviews += 1;
      if (uid === 'broken') throw new Error('a bug');
      return { verdicts: [warn('AmbiguousKey', 'metadata', 'careful')] };
    });
    const ask = async (query: string, text: string) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', ca: server.ca, servername: 'localhost' });
      using _cut = { [Symbol.dispose]: () => socket.destroy() };
      socket.write(text.replace('?timeout=10s', query));
      let answer = '';
      for await (const chunk of socket) {
        answer += String(chunk);
        if (answer.includes('}')) break;
      }
      return answer.replace(/^date: .*\r\n/im, '').toLowerCase();
    };
    const whole = requestText('a');
    const texts = [
      whole,
      requestText('broken'),
      requestText(''),
      whole.replace('application/json', 'text/plain'),
      whole.replace('"apiVersion"', "'apiVersion'"),
      whole.replace(/content-length: \d+/, 'content-length: 99999999'),
      whole.replace('POST', 'GET'),
    ];
    for (const text of texts) {
      const before = reviews;
      const direct = await ask('?timeout=10s', text);
      const reviewed = reviews - before;
      assert.equal(await ask('?timeout=10s&other=1', text), direct);
      assert.equal(reviews - before, 2 * reviewed);
      assert.match(direct, /^http\/1\.1 \d{3} /);
    }
    assert.equal(reviews, 4);
  });

  it('may end before a body is complete, which is neither a bug nor a warning', async () => {
    await using server = await listen(() => ({ verdicts: [] }));
    const cut = async (path: string): Promise<void> => {
      const socket = connect({ port: server.port, host: '127.0.0.1', ca: server.ca, servername: 'localhost' });
      const text = requestText('u').replace('/mutate/pods', path);
      const arrived = once(server.app.server, 'request');
      socket.write(text.slice(0, -10));
      await arrived;
      socket.destroy();
      const done = server.lines.length + 1;
      await until(
        async () => server.lines.length,
        (count) => count >= done,
      );
    };
    await cut('/mutate/pods');
    await cut('/elsewhere');
    assert.deepEqual(
      server.lines.map(({ level, message, fields }) => [level, message, fields]),
      Array.from({ length: 2 }, () => ['debug', 'a client disconnected during its request', { client: '127.0.0.1' }]),
    );
  });

  it('stays open longer than clients keep it, so that the app never closes it during a request', async () => {
    await using server = await listen(() => ({ verdicts: [] }));
    // IdleConnTimeout of Go's http.DefaultTransport.
    assert.ok(server.app.server.keepAliveTimeout > 90_000);
  });

  it('is closed if its TLS handshake does not finish, long before the default of Node.js (two minutes)', async () => {
    await using server = await listen(() => ({ verdicts: [] }));
    const silent = connectPlain(server.port, '127.0.0.1');
    const [error] = await once(server.app.server, 'tlsClientError', { signal: AbortSignal.timeout(60_000) });
    assert.equal((error as NodeJS.ErrnoException).code, 'ERR_TLS_HANDSHAKE_TIMEOUT');
    silent.destroy();
  });
});

it('a schema of a route would refuse invalid bodies, and coerce, fill in or remove nothing', async () => {
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
