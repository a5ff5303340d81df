// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, readdir, stat } from 'node:fs/promises';
import type { Http2Server } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type ClientReadableStream, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';
import { dialSocket, type SocketClient } from '../grpc-client.ts';
import { createDeviceList } from './device-list.ts';
import { createStreamGroup } from './handle-call.ts';
import { probeSelf } from './registration-session.ts';
import {
  boundServer,
  type DevicePluginHandlers,
  type DevicePluginServer,
  type ServeOptions,
  serveDevicePlugin,
} from './server.ts';
import { type AllocateRequest, devicePluginService, type Empty, type ListAndWatchResponse } from './v1beta1.ts';

const limits = { timeoutMs: 90_000 };

const handlers: DevicePluginHandlers = {
  options: { pre_start_required: true, get_preferred_allocation_available: true },
  list: createDeviceList(),
  allocate: ({ container_requests }) => ({ container_responses: container_requests.map(() => ({})) }),
  preferredAllocation: () => ({ container_responses: [] }),
  preStartContainer: () => {},
};

interface Served extends AsyncDisposable {
  readonly path: string;
  readonly server: DevicePluginServer;
  readonly client: SocketClient;
}

async function serve(own: Partial<DevicePluginHandlers> = {}, more: Partial<ServeOptions> = {}): Promise<Served> {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-server-')));
  const path = join(directory.path, 'plugin.sock');
  const server = undo.use(await serveDevicePlugin({ path, handlers: { ...handlers, ...own }, ...more }));
  const client = undo.use(dialSocket(path));
  const moved = undo.move();
  return { path, server, client, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

function follow({ client }: SocketClient): ClientReadableStream<ListAndWatchResponse> {
  const { path, requestSerialize, responseDeserialize } = devicePluginService.ListAndWatch;
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
}

const allocate = (client: SocketClient, request: AllocateRequest) =>
  client.call(devicePluginService.Allocate, request, limits);

test('only its owner can use the socket', async () => {
  await using served = await serve();
  assert.equal((await stat(served.path)).mode & 0o777, 0o600);
});

test('the server returns its options, and the self-probe succeeds', async () => {
  await using served = await serve();
  assert.deepEqual(await served.client.call(devicePluginService.GetDevicePluginOptions, {}, limits), handlers.options);
  await probeSelf(served.path);
});

test('the error of the self-probe names the socket that does not answer', async () => {
  await assert.rejects(probeSelf('/nonexistent/plugin.sock'), {
    code: 'SelfProbeFailed',
    message: /\/nonexistent\/plugin\.sock/,
  });
});

test('the error for a socket that cannot be created contains its path', async () => {
  const path = '/nonexistent/plugin.sock';
  await assert.rejects(serveDevicePlugin({ path, handlers }), { code: 'SocketFailed', facts: { path } });
});

test('requests reach the handler unchanged: without containers, and with a thousand unknown devices', async () => {
  const seen: AllocateRequest[] = [];
  await using served = await serve({
    allocate: (request) => {
      seen.push(request);
      return handlers.allocate(request, { signal: AbortSignal.abort() });
    },
  });
  const thousand = Array.from({ length: 1_000 }, (_, index) => `dataplaneMvp${index}`);
  const requests: AllocateRequest[] = [
    { container_requests: [] },
    { container_requests: [{ devices_ids: [] }] },
    { container_requests: [{ devices_ids: ['', '../x', 'ünknown\u0000', 'a', 'a'] }, { devices_ids: thousand }] },
  ];
  for (const request of requests) {
    const { container_responses } = await allocate(served.client, request);
    assert.equal(container_responses.length, request.container_requests.length);
  }
  assert.deepEqual(seen, requests);
});

test('the caller gets the message of an error that a handler throws, and the server keeps running', async () => {
  const failures: string[] = [];
  await using served = await serve(
    {
      allocate: () => {
        throw new MacvtapError('DeadlineExceeded', 'Allocate aMvp0 on eth0: not done in 5 s\nsee “why”');
      },
      preStartContainer: async () => Promise.reject(new TypeError('oops')),
    },
    { onFailure: (method, error) => failures.push(`${method} ${error.code}`) },
  );
  await assert.rejects(allocate(served.client, { container_requests: [] }), {
    code: status.DEADLINE_EXCEEDED,
    details: 'Allocate aMvp0 on eth0: not done in 5 s\nsee “why”',
  });
  await assert.rejects(served.client.call(devicePluginService.PreStartContainer, { devices_ids: [] }, limits), {
    code: status.INTERNAL,
    details: 'oops',
  });
  assert.deepEqual(failures, [
    '/v1beta1.DevicePlugin/Allocate DeadlineExceeded',
    '/v1beta1.DevicePlugin/PreStartContainer Unexpected',
  ]);
  await probeSelf(served.path);
});

test('an invalid response is an INTERNAL error, not a crash', async () => {
  await using served = await serve({ allocate: () => ({ container_responses: 7 }) as never });
  await assert.rejects(allocate(served.client, { container_requests: [] }), { code: status.INTERNAL });
  await probeSelf(served.path);
});

test('the signal of a call aborts when its caller cancels the call', async () => {
  const entered = Promise.withResolvers<AbortSignal>();
  await using served = await serve({
    allocate: async (_, { signal }) => {
      entered.resolve(signal);
      await once(signal, 'abort');
      throw signal.reason;
    },
  });
  const giveUp = new AbortController();
  const request = { container_requests: [] };
  const call = served.client.call(devicePluginService.Allocate, request, { ...limits, signal: giveUp.signal });
  const signal = await entered.promise;
  giveUp.abort();
  await assert.rejects(call, { code: 'Aborted' });
  if (!signal.aborted) await once(signal, 'abort');
});

test('the signal of an answered call does not abort', async () => {
  const signals: AbortSignal[] = [];
  await using served = await serve({
    allocate: (_, { signal }) => {
      signals.push(signal);
      return { container_responses: [] };
    },
  });
  for (let call = 0; call < 3; call += 1) await allocate(served.client, { container_requests: [] });
  await served.server.stop();
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [false, false, false],
  );
});

test('stop ends an open stream and a hanging call, and removes the socket', async () => {
  const entered = Promise.withResolvers<AbortSignal>();
  await using served = await serve({
    allocate: (_, { signal }) => {
      entered.resolve(signal);
      return new Promise(() => {});
    },
  });
  const stream = follow(served.client);
  await once(stream, 'data');
  const ended = once(stream, 'end');
  const hanging = assert.rejects(
    allocate(served.client, { container_requests: [] }),
    (error: ServiceError) => error.code === status.CANCELLED || error.code === status.UNAVAILABLE,
  );
  const signal = await entered.promise;
  await served.server.stop();
  assert.ok(signal.aborted);
  await ended;
  await hanging;
  assert.deepEqual(await readdir(join(served.path, '..')), []);
});

test('an answer that is ready while the server stops is still delivered', async () => {
  const entered = Promise.withResolvers<void>();
  await using served = await serve({
    allocate: async (_, { signal }) => {
      entered.resolve();
      await once(signal, 'abort');
      return { container_responses: [{ envs: { late: 'yes' } }] };
    },
  });
  const answer = allocate(served.client, { container_requests: [] });
  await entered.promise;
  await served.server.stop();
  assert.deepEqual((await answer).container_responses[0]?.envs, { late: 'yes' });
});

test('a disconnect is reported if kubelet ends the last stream, but not if the server does', async () => {
  let told = 0;
  const gone = Promise.withResolvers<void>();
  const onDisconnect = (): void => {
    told += 1;
    gone.resolve();
  };
  await using served = await serve({}, { onDisconnect });
  const streams = [follow(served.client), follow(served.client)];
  await Promise.all(streams.map((stream) => once(stream, 'data')));
  for (const stream of streams) stream.on('error', () => {}).cancel();
  await gone.promise;
  const last = follow(served.client);
  await once(last, 'data');
  await served.server.stop();
  assert.equal(told, 1);
});

test('closing a server does not remove the socket of its successor', async () => {
  await using old = await serve();
  const path = join(old.path, '..', 'successor.sock');
  await using successor = await serveDevicePlugin({ path, handlers });
  await old.server.stop();
  await probeSelf(successor.path);
});

const device = { ID: 'netMvp0', health: 'Healthy', topology: null } as const;

/** Starts a server that accepts `maxConnections` connections, and one client that follows its devices. */
async function serveBounded(name: string, maxConnections: number) {
  const path = join(tmpdir(), `kmt-bound-${process.pid}-${name}.sock`);
  const errors: Error[] = [];
  const server = new Server();
  let send: (() => void) | undefined;
  const streams = createStreamGroup<Empty, ListAndWatchResponse>(
    (stream) => {
      send = () => void stream.write({ devices: [device] });
      send();
      return { [Symbol.dispose]: () => {} };
    },
    () => {},
  );
  server.addService(devicePluginService, {
    GetDevicePluginOptions: (_: unknown, answer: (error: null, value: object) => void) => answer(null, {}),
    ListAndWatch: streams.handler,
  });
  await promisify(server.bindAsync.bind(server))(`unix:${path}`, ServerCredentials.createInsecure());
  boundServer(server, (error) => errors.push(error), maxConnections);
  const client = dialSocket(path);
  const { path: method, requestSerialize, responseDeserialize } = devicePluginService.ListAndWatch;
  const followed = client.client.makeServerStreamRequest(method, requestSerialize, responseDeserialize, {});
  followed.on('error', () => {});
  await once(followed, 'data');
  return {
    path,
    server,
    errors,
    client,
    async update() {
      const data = once(followed, 'data');
      send?.();
      await data;
    },
    [Symbol.dispose]() {
      followed.cancel();
      client[Symbol.dispose]();
      server.forceShutdown();
    },
  };
}

test('new connections replace idle ones, but not the connection that follows devices', async () => {
  using served = await serveBounded('idle', 3);
  using idle = new DisposableStack();
  const closed: Promise<unknown>[] = [];
  for (let count = 0; count < 20; count += 1) {
    const socket = idle.adopt(connect(served.path).resume(), (each) => void each.destroy());
    closed.push(once(socket, 'close'));
    await once(socket, 'connect');
  }
  await Promise.all(closed.slice(0, 18));
  await served.update();
  // The client's connection stays busy after this call has ended, because its ListAndWatch stream is still open.
  await served.client.call(devicePluginService.GetDevicePluginOptions, {}, limits);
  for (let count = 0; count < 4; count += 1) {
    const socket = idle.adopt(connect(served.path).resume(), (each) => void each.destroy());
    await once(socket, 'connect');
  }
  await Promise.all(closed);
  await served.update();
  assert.deepEqual(served.errors, []);
});

test('a server that cannot accept connections reports it', async () => {
  using served = await serveBounded('error', 3);
  const { http2Servers } = served.server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> };
  const [http2Server] = http2Servers.keys();
  http2Server?.emit('error', new Error('accept EMFILE'));
  assert.deepEqual(
    served.errors.map(({ message }) => message),
    ['accept EMFILE'],
  );
  await served.update();
});
