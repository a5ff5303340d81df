// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isListening } from '../../deviceplugin/plugin-sockets.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';
import { type CNIServerOptions, serveCNI } from './server.ts';

const request = encodeFrame({
  type: 'request',
  environment: new Map([['CNI_COMMAND', 'ADD']]),
  stdin: new Uint8Array(),
});
const node = { ifindex: 5, major: 246, minor: 1, uid: 107, gid: 107 };

/** Starts a server in its own folder. It answers `done` after the shim has changed the owner of a device node. */
async function serve(options: Partial<CNIServerOptions> = {}) {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-server-')));
  const path = join(folder.path, 'below', 'cni.sock');
  const failures: string[] = [];
  undo.use(
    await serveCNI({
      path,
      handle: async (_, { own }, signal) => {
        await own(node, signal);
        return { type: 'answer', exitCode: 0, output: 'done' };
      },
      onFailure: ({ code, message }) => failures.push(`${code}: ${message}`),
      ...options,
    }),
  );
  const scope = undo.move();
  return { path, folder: folder.path, failures, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

const unasked = async () => assert.fail('nobody asks');

function failureOf(promise: Promise<void>): Promise<Error> {
  return promise.then(
    () => assert.fail('it succeeded'),
    (thrown: Error) => thrown,
  );
}

/** Returns everything that the server sends until it closes the connection. */
async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function ask(path: string, ...frames: readonly Uint8Array[]): Promise<Frame> {
  const socket = connect(path);
  for (const frame of frames) socket.write(frame);
  const all = await readAll(socket);
  // The answer is the last frame. A frame of type `own`, which has 32 bytes, may precede it.
  return decodeFrame(all[5] === 2 ? all.subarray(32) : all);
}

test('a request is answered after the device node has its owner, even if frames arrive byte by byte', async () => {
  await using server = await serve();
  const owned = encodeFrame({ type: 'owned', errno: 0, step: '' });
  assert.deepEqual(await ask(server.path, request, owned), { type: 'answer', exitCode: 0, output: 'done' });
  const socket = connect(server.path);
  const answered = readAll(socket);
  for (const byte of Buffer.concat([request, owned])) {
    await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve));
  }
  assert.deepEqual(decodeFrame((await answered).subarray(32)), { type: 'answer', exitCode: 0, output: 'done' });
  assert.deepEqual(server.failures, []);
});

for (const { title, sent, code } of [
  { title: 'data that is not a frame', sent: [Buffer.from('GET / HTTP/1.1\r\n\r\n')], code: 6 },
  { title: 'a frame that claims 4 GiB', sent: [Buffer.from([...request.subarray(0, 8), 255, 255, 255, 255])], code: 6 },
  {
    title: 'an answer instead of a request',
    sent: [encodeFrame({ type: 'answer', exitCode: 0, output: '' })],
    code: 6,
  },
  { title: 'a connection that sends nothing', sent: [], code: 11 },
  { title: 'half a request', sent: [request.subarray(0, 20)], code: 11 },
]) {
  test(`${title} is answered with error ${code}, and the connection ends`, async () => {
    // The timeout is short only if it is expected to end the connection. Otherwise it is so long that a slow sender
    // does not exceed it.
    await using server = await serve({ patienceMs: code === 11 ? 200 : 60_000 });
    const answer = await ask(server.path, ...sent);
    assert.equal(answer.type, 'answer');
    const { code: is, cniVersion } = JSON.parse(answer.type === 'answer' ? answer.output : '');
    assert.deepEqual([is, cniVersion], [code, '1.1.0']);
    assert.equal(server.failures.length, 1);
    assert.equal(await isListening(server.path), 'yes');
  });
}

test('many slow connections do not prevent an answer to a complete request', async () => {
  await using server = await serve({ patienceMs: 60_000 });
  const owned = encodeFrame({ type: 'owned', errno: 0, step: '' });
  using slow = new DisposableStack();
  for (let count = 0; count < 40; count += 1) {
    const socket = slow.adopt(connect(server.path), (each) => void each.destroy());
    await new Promise((resolve) => socket.write(request.subarray(0, 20), resolve));
  }
  assert.deepEqual(await ask(server.path, request, owned), { type: 'answer', exitCode: 0, output: 'done' });
});

test('too many connections close the oldest connection without a request, but none with a request', async () => {
  const handled = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using server = await serve({
    patienceMs: 60_000,
    maxConnections: 2,
    handle: async () => {
      asked.resolve();
      await handled.promise;
      return { type: 'answer', exitCode: 0, output: 'done' };
    },
  });
  const answered = ask(server.path, request);
  await asked.promise;
  const first = connect(server.path);
  const firstSaid = readAll(first);
  await new Promise((resolve) => first.once('connect', resolve));
  const second = connect(server.path);
  assert.equal((await firstSaid).length, 0);
  handled.resolve();
  assert.deepEqual(await answered, { type: 'answer', exitCode: 0, output: 'done' });
  second.destroy();
});

test('an ADD fails if the shim answers with an invalid frame or closes the connection', async () => {
  const reasons: string[] = [];
  const ended = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using server = await serve({
    handle: async (_, { own }, signal) => {
      const { message } = await failureOf(own(node, signal));
      reasons.push(message);
      ended[reasons.length - 1]?.resolve();
      return { type: 'answer', exitCode: 1, output: '{}' };
    },
  });
  await ask(server.path, request, request);
  await ended[0]?.promise;
  const socket = connect(server.path);
  socket.write(request);
  socket.once('data', () => socket.destroy());
  await ended[1]?.promise;
  assert.match(reasons[0] ?? '', /unexpected frame of type request/);
  assert.match(reasons[1] ?? '', /closed the connection/);
});

test("the error for a node whose owner the shim could not change contains the shim's message", async () => {
  await using server = await serve({
    handle: async (_, { own }, signal) => {
      const { message } = await failureOf(own(node, signal));
      return { type: 'answer', exitCode: 1, output: message };
    },
  });
  const answer = await ask(server.path, request, encodeFrame({ type: 'owned', errno: 2, step: 'open' }));
  assert.match(
    answer.type === 'answer' ? answer.output : '',
    /^\/dev\/tap5 cannot be given to 107:107: open: .*\(ENOENT\)/,
  );
});

test('more silent connections than the server reads at once do not block a real one', async (t) => {
  // No other timer has this duration, so it identifies the server's timers. It is longer than the test. The test
  // shortens the timers of the first 16 connections, so that only those fire.
  const patienceMs = 123_457;
  const atOnce = 16;
  let timers = 0;
  const { setTimeout: start } = globalThis;
  const hasten = (callback: () => void, ms?: number): NodeJS.Timeout => {
    if (ms === patienceMs) timers += 1;
    return start(callback, ms === patienceMs && timers <= atOnce ? 100 : ms);
  };
  t.mock.method(globalThis, 'setTimeout', hasten as typeof setTimeout);
  await using server = await serve({ patienceMs });
  const idle = Array.from({ length: 20 }, () => connect(server.path).on('error', () => {}));
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  const answer = await ask(server.path, request, encodeFrame({ type: 'owned', errno: 0, step: '' }));
  assert.equal(answer.type === 'answer' && answer.output, 'done');
  for (const socket of idle) socket.destroy();
});

test('only its owner can use the socket; it replaces an old socket, and is removed with the server', async () => {
  await using server = await serve();
  assert.equal((await stat(server.path)).mode & 0o777, 0o600);
  const left = join(server.folder, 'left.sock');
  await writeFile(left, 'of a process that was killed');
  {
    await using _second = await serveCNI({ path: left, handle: unasked, onFailure: () => {} });
    assert.equal(await isListening(left), 'yes');
  }
  assert.deepEqual((await readdir(server.folder)).toSorted(), ['below']);
});

test("a server that ends keeps its successor's socket, and completes requests in progress", async () => {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-server-'));
  await using _folder = folder;
  const path = join(folder.path, 'cni.sock');
  const reached = Promise.withResolvers<void>();
  const first = await serveCNI({
    path,
    handle: async (_, __, signal) => {
      reached.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      return { type: 'answer', exitCode: 1, output: 'ended' };
    },
    onFailure: () => {},
  });
  const answer = ask(path, request);
  await reached.promise;
  await using _second = await serveCNI({ path, handle: unasked, onFailure: () => {} });
  await first[Symbol.asyncDispose]();
  assert.deepEqual(await answer, { type: 'answer', exitCode: 1, output: 'ended' });
  assert.equal(await isListening(path), 'yes');
});

test('the error for a socket path that is too long names the cause', async () => {
  const path = `/tmp/${'x'.repeat(104)}`;
  await assert.rejects(serveCNI({ path, handle: unasked, onFailure: () => {} }), {
    code: 'CNISocketFailed',
    message: /too long/,
  });
  await assert.rejects(serveCNI({ path: '/proc/none/cni.sock', handle: unasked, onFailure: () => {} }), {
    code: 'CNISocketFailed',
  });
});
