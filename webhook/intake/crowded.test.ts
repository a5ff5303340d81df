// SPDX-License-Identifier: Apache-2.0
// Tests that clients without credentials cannot crowd out a client that sends admission requests like an API server.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { listen, requestText } from '../../test/fixtures/webhook/connected-app.ts';
import { until } from '../../test/process/until.ts';
import type { AppDeps } from '../app.ts';

const options = { timeout: 60_000 };
const [apiServer, stranger, other] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;

/** Starts the app with the given limits, and clients at different addresses. */
async function stage(limits: AppDeps['limits']) {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await listen(() => ({ verdicts: [] }), limits));
  const own = undo.move();
  const { port, ca, lines, events } = server;
  const follow = (socket: Socket) => {
    own.defer(() => void socket.destroy());
    let text = '';
    socket.on('error', () => {}).on('data', (chunk) => (text += chunk));
    const isClosed = () =>
      until(
        async () => socket.closed,
        (closed) => closed,
      );
    return {
      socket,
      isClosed,
      answered: (part: string) =>
        until(
          async () => text,
          (seen) => seen.includes(part),
        ),
    };
  };
  const open = async (localAddress: string) => {
    const target = { port, host: '127.0.0.1', localAddress, ca, servername: 'localhost' };
    const client = follow(connect(target));
    await once(client.socket, 'secureConnect');
    return client;
  };
  const review = async (uid: string, address: string = apiServer, padding = '') => {
    const client = await open(address);
    client.socket.write(requestText(uid, padding));
    await client.answered(`"uid":"${uid}"`);
    return client;
  };
  return {
    open,
    review,
    /** Opens a connection without starting a TLS handshake. */
    openPlain: async (localAddress: string) => {
      const client = follow(connectPlain({ port, host: '127.0.0.1', localAddress }));
      await once(client.socket, 'connect');
      return client;
    },
    /** Waits until the server has no connections. */
    isEmpty: () =>
      until(
        () => promisify(server.app.server.getConnections.bind(server.app.server))(),
        (count) => count === 0,
      ),
    refusals: () => events.filter((event) => event.startsWith('refusal')).map((event) => event.slice(8)),
    lines,
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}

describe('connections', () => {
  it('of one client are limited: an idle one is closed, one with a successful review last', options, async () => {
    await using crowd = await stage({ clientConnections: 3 });
    const reviewing = await crowd.review('first', stranger);
    const [oldest] = [await crowd.open(stranger), await crowd.open(stranger)];
    await crowd.open(stranger);
    await oldest?.isClosed();
    for (let count = 0; count < 3; count += 1) await crowd.open(stranger);
    reviewing.socket.write(requestText('second'));
    await reviewing.answered('"uid":"second"');
    await crowd.review('third');
    assert.deepEqual(crowd.refusals(), Array(4).fill('client-connections'));
  });

  it('that ended no longer count', options, async () => {
    await using crowd = await stage({ clientConnections: 1, clientHandshakes: 1 });
    for (const uid of ['first', 'second', 'third']) {
      const client = await crowd.review(uid);
      client.socket.destroy();
      await crowd.isEmpty();
      const plain = await crowd.openPlain(apiServer);
      plain.socket.destroy();
      await crowd.isEmpty();
    }
    assert.deepEqual(crowd.refusals(), []);
  });

  it('of all clients are limited: the client with the most loses one to a new client', options, async () => {
    await using crowd = await stage({ connections: 4, clientConnections: 4 });
    const strangers = [];
    for (let count = 0; count < 4; count += 1) strangers.push(await crowd.open(stranger));
    await crowd.review('first');
    await crowd.review('second', other);
    for (const client of strangers.slice(0, 2)) await client.isClosed();
    assert.deepEqual(crowd.refusals(), ['connections', 'connections']);
    assert.deepEqual(crowd.lines[0]?.fields.client, stranger);
  });

  it(
    'without a finished handshake are limited, and do not block the handshakes of other clients',
    options,
    async () => {
      await using crowd = await stage({ handshakes: 3, clientHandshakes: 2 });
      const [first, , ,] = [
        await crowd.openPlain(stranger),
        await crowd.openPlain(stranger),
        await crowd.openPlain(stranger),
      ];
      await first?.isClosed();
      await crowd.openPlain(other);
      await crowd.review('first');
      assert.deepEqual(crowd.refusals(), ['handshakes', 'handshakes']);
    },
  );

  it('are closed if no request header arrives in time', options, async () => {
    await using crowd = await stage({ headerMs: 20 });
    const client = await crowd.open(stranger);
    client.socket.write('POST /mutate/pods HTTP/1.1\r\nhost: a\r\n');
    await client.isClosed();
    assert.deepEqual(crowd.refusals(), ['header']);
  });
});

const head = (length: number) =>
  `POST /mutate/pods HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
const chunked =
  'POST /mutate/pods HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';

describe('bodies', () => {
  it('that stop arriving, or arrive too slowly, are refused', options, async () => {
    for (const limits of [{ progressMs: 20 }, { bodyMs: 20 }]) {
      await using crowd = await stage(limits);
      const client = await crowd.open(stranger);
      client.socket.write(`${head(1_000)}{`);
      await client.answered('HTTP/1.1 408');
      await client.isClosed();
      assert.deepEqual(crowd.refusals(), ['body-slow']);
    }
  });

  it('have a common limit before they arrive, and another client still gets its answer', options, async () => {
    await using crowd = await stage({ bytes: 3_000, clientBytes: 2_000, bodyOverheadBytes: 0 });
    const waiting = [];
    for (const address of [stranger, stranger, other, other]) {
      const client = await crowd.open(address);
      client.socket.write(head(900));
      waiting.push(client);
    }
    await waiting[0]?.answered('HTTP/1.1 503');
    await waiting[0]?.isClosed();
    await crowd.review('first', apiServer, 'x'.repeat(600));
    assert.deepEqual(crowd.refusals(), ['bytes', 'bytes']);
  });

  it('without a Content-Length are counted as they grow', options, async () => {
    await using crowd = await stage({ bytes: 2_000, clientBytes: 1_000, bodyOverheadBytes: 0 });
    const client = await crowd.open(stranger);
    client.socket.write(`${chunked}200\r\n${'x'.repeat(512)}\r\n`);
    client.socket.write(`200\r\n${'x'.repeat(512)}\r\n`);
    await client.answered('HTTP/1.1 503');
    await client.isClosed();
    assert.deepEqual(crowd.refusals(), ['bytes']);
  });

  it('with more values than any admission request has are refused before they are parsed', options, async () => {
    await using crowd = await stage({ bodyValues: 1_000 });
    const body = `[${'[],'.repeat(60_000)}[]]`;
    const client = await crowd.open(stranger);
    client.socket.write(head(body.length) + body);
    await client.answered('HTTP/1.1 413');
    assert.deepEqual(crowd.refusals(), ['body-values']);
  });
});
