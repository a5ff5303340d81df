// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ClientReadableStream, type ServiceError, status } from '@grpc/grpc-js';
import { MacvtapError } from '../../runtime/errors.ts';
import { dialSocket, type SocketClient } from '../grpc/dial-socket.ts';
import { createDeviceList } from './device-list.ts';
import { probeSelf } from './self-probe.ts';
import { type DevicePluginHandlers, type DevicePluginServer, type ServeOptions, serveDevicePlugin } from './server.ts';
import { type AllocateRequest, devicePluginService, type ListAndWatchResponse } from './v1beta1.ts';

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

test('the socket is open to its owner alone', async () => {
  await using served = await serve();
  assert.equal((await stat(served.path)).mode & 0o777, 0o600);
});

test('the options are answered, and the self-probe is content', async () => {
  await using served = await serve();
  assert.deepEqual(await served.client.call(devicePluginService.GetDevicePluginOptions, {}, limits), handlers.options);
  await probeSelf(served.path);
});

test('the self-probe names a socket that does not answer', async () => {
  await assert.rejects(probeSelf('/nonexistent/plugin.sock'), {
    code: 'SelfProbeFailed',
    message: /\/nonexistent\/plugin\.sock/,
  });
});

test('a socket that cannot be made is an error with its path', async () => {
  const path = '/nonexistent/plugin.sock';
  await assert.rejects(serveDevicePlugin({ path, handlers }), { code: 'SocketFailed', facts: { path } });
});

test('requests reach the handler as they are: no containers, unknown devices, a thousand of them', async () => {
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

test('a handler that throws answers with its message, and the server goes on', async () => {
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

test('an answer that is no answer is an INTERNAL error, not a crash', async () => {
  await using served = await serve({ allocate: () => ({ container_responses: 7 }) as never });
  await assert.rejects(allocate(served.client, { container_requests: [] }), { code: status.INTERNAL });
  await probeSelf(served.path);
});

test('the scope of a call ends when its caller gives up', async () => {
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

test('stop ends an open stream and a call that hangs, and removes the socket', async () => {
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

test('an answer that comes while the server stops is still delivered', async () => {
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

test('the end of the last stream is told when kubelet ends it, not when the server does', async () => {
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

test('closing a server leaves the socket of its successor alone', async () => {
  await using old = await serve();
  const path = join(old.path, '..', 'successor.sock');
  await using successor = await serveDevicePlugin({ path, handlers });
  await old.server.stop();
  await probeSelf(successor.path);
});
