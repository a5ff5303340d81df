// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import { type ApiClient, createApiClient } from './client.ts';
import { createTlsAgents } from './connection.ts';

/**
 * Starts a server with scripted responses, and a client. The client's token is the number of times that its credentials
 * were renewed.
 */
async function start(listener: RequestListener, basePath = '') {
  const server = createServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${basePath}`;
  const agents = createTlsAgents(url);
  let renewals = 0;
  const client: ApiClient = createApiClient({
    server: url,
    async credentials(renew) {
      if (renew) renewals += 1;
      return { headers: { authorization: `Bearer ${renewals}` }, agent: agents.agentFor({}) };
    },
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  });
  return {
    client,
    sockets,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const json = { 'content-type': 'application/json' };

describe('a request', () => {
  it('sends method, path, body and content types, and returns status and JSON, even of an error', async () => {
    await using started = await start(async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      const { method, url, headers } = request;
      const seen = [method, url, headers.accept, headers['content-type'], headers.authorization, parts.join('')];
      response.writeHead(409, { ...json, 'retry-after': '3' }).end(JSON.stringify(seen));
    }, '/k8s/clusters/c-1');
    const options = { accept: 'application/x', contentType: 'application/merge-patch+json' };
    assert.deepEqual(await started.client.request('PATCH', '/api/v1/x?y=z', { a: 'ü' }, options), {
      status: 409,
      body: ['PATCH', '/k8s/clusters/c-1/api/v1/x?y=z', 'application/x', options.contentType, 'Bearer 0', '{"a":"ü"}'],
      retryAfterMs: 3_000,
    });
  });

  it('returns text if the body is not JSON, and undefined if the body is empty', async () => {
    await using started = await start(({ url }, response) => {
      if (url === '/empty') response.writeHead(200, json).end();
      else response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
    });
    assert.deepEqual(await started.client.request('GET', '/html'), { status: 502, body: '<h1>Bad gateway</h1>' });
    assert.deepEqual(await started.client.request('GET', '/empty'), { status: 200, body: undefined });
  });

  it('fails if the content type is JSON and the body is not', async () => {
    await using started = await start((_, response) => void response.writeHead(200, json).end('{"a":'));
    await assert.rejects(started.client.request('GET', '/'), { code: 'ApiServerMalformed' });
  });

  it('is sent again with fresh credentials if the server rejects the first ones', async () => {
    const tokens: (string | undefined)[] = [];
    await using started = await start(({ headers, url }, response) => {
      tokens.push(headers.authorization);
      response.writeHead(url === '/never' || headers.authorization === 'Bearer 0' ? 401 : 200, json).end('{}');
    });
    assert.equal((await started.client.request('GET', '/')).status, 200);
    assert.deepEqual(tokens, ['Bearer 0', 'Bearer 1']);
    assert.equal((await started.client.request('GET', '/never')).status, 401);
    assert.deepEqual(tokens.slice(2), ['Bearer 1', 'Bearer 2']);
  });

  it('is repeated if the server has closed the idle connection, unless it may have had an effect', async () => {
    let closing = false;
    await using started = await start((request, response) => {
      // Resets a reused connection instead of answering. For the client, this looks like a server that closes an idle
      // connection.
      if (closing && (request.socket as { served?: boolean }).served) return void request.socket.resetAndDestroy();
      (request.socket as { served?: boolean }).served = true;
      response.writeHead(200, json).end('{}');
    });
    const { client } = started;
    for (const method of ['GET', 'PUT', 'POST'] as const) {
      closing = false;
      await client.request('GET', '/');
      closing = true;
      const asked = client.request(method, '/', method === 'GET' ? undefined : {});
      if (method === 'POST') await assert.rejects(asked, { code: 'ApiServerUnreachable' });
      else assert.equal((await asked).status, 200);
    }
  });

  it('fails with the request and the reason if the server does not respond', async () => {
    const started = await start(() => undefined);
    const { client } = started;
    await started[Symbol.asyncDispose]();
    await assert.rejects(client.request('GET', '/api/v1/nodes'), (error: Error & { code: string }) => {
      assert.equal(error.code, 'ApiServerUnreachable');
      assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/api\/v1\/nodes: connect ECONNREFUSED/);
      return true;
    });
  });

  it('has a deadline for the headers and the body of the response', async () => {
    await using started = await start(({ url }, response) => {
      if (url === '/half') response.writeHead(200, json).write('{"a":');
    });
    for (const path of ['/none', '/half']) {
      await assert.rejects(started.client.request('GET', path, undefined, { timeoutMs: 50 }), {
        code: 'DeadlineExceeded',
      });
    }
  });

  it('ends when its signal aborts, before or after it is sent', async () => {
    const arrived = Promise.withResolvers<void>();
    await using started = await start(() => arrived.resolve());
    const { client } = started;
    await assert.rejects(client.request('GET', '/', undefined, { signal: AbortSignal.abort() }), { code: 'Aborted' });
    const controller = new AbortController();
    const asked = client.request('GET', '/', undefined, { signal: controller.signal });
    await arrived.promise;
    controller.abort();
    await assert.rejects(asked, { code: 'Aborted' });
  });

  it('fails if the response is incomplete', async () => {
    await using started = await start((_, response) => {
      response.writeHead(200, { ...json, 'content-length': '100' }).write('{');
      setImmediate(() => response.destroy());
    });
    await assert.rejects(started.client.request('GET', '/'), { code: 'ApiServerUnreachable' });
  });

  it('reuses the connection of the previous request', async () => {
    await using started = await start((_, response) => void response.writeHead(200, json).end('{}'));
    for (let count = 0; count < 5; count += 1) await started.client.request('GET', '/');
    assert.equal(started.sockets.size, 1);
  });
});

describe('a stream', () => {
  it('returns lines for any split into packets, also the last one without a line end', async () => {
    await using started = await start((_, response) => {
      response.writeHead(200, json);
      const bytes = Buffer.from('{"a":1}\n\n{"ü":2}\r\n{"c":3}');
      const send = (at: number) => {
        if (at === bytes.length) return void response.end();
        response.write(bytes.subarray(at, at + 1), () => send(at + 1));
      };
      send(0);
    });
    using stream = await started.client.stream('/');
    const lines = [];
    for await (const line of stream.lines) lines.push(JSON.parse(line));
    assert.deepEqual(lines, [{ a: 1 }, { ü: 2 }, { c: 3 }]);
  });

  it('may take longer than its time-out after the headers arrived, and ends with its scope', async () => {
    await using started = await start((_, response) => void response.writeHead(200, json).write('1\n'));
    const reading = async () => {
      using stream = await started.client.stream('/', { timeoutMs: 60_000 });
      for await (const line of stream.lines) return line;
      return undefined;
    };
    assert.equal(await reading(), '1');
  });

  it('with a status other than 200 has a body and no lines', async () => {
    await using started = await start((_, response) => void response.writeHead(410, json).end('{"code":410}'));
    using stream = await started.client.stream('/');
    assert.deepEqual([stream.status, stream.body], [410, { code: 410 }]);
    for await (const line of stream.lines) assert.fail(line);
  });

  it('fails if the server or the client cuts it', async () => {
    await using started = await start(({ url }, response) => {
      response.writeHead(200, json).write('1\n');
      if (url === '/cut') setImmediate(() => response.destroy());
    });
    const read = async (path: string, onLine: (stop: () => void) => void) => {
      using stream = await started.client.stream(path);
      for await (const _line of stream.lines) onLine(() => stream[Symbol.dispose]());
    };
    await assert.rejects(
      read('/cut', () => undefined),
      { code: 'ApiServerUnreachable' },
    );
    await assert.rejects(
      read('/', (stop) => stop()),
      { code: 'ApiServerUnreachable' },
    );
  });
});
