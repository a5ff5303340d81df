// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { connectionsWithin, limitConnections } from './limit-connections.ts';

/** Starts a server with a limit. `open` connects, and waits until the server has accepted the connection. */
async function serve(limit: number) {
  const server = createServer((socket) => socket.on('error', () => {}));
  const connections = limitConnections(server, limit);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    connections,
    async open(): Promise<{ readonly here: Socket; readonly there: Socket; readonly closed: Promise<unknown> }> {
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const here = connect(port, '127.0.0.1').resume();
      here.on('error', () => {});
      const closed = once(here, 'close');
      const [there] = await accepted;
      return { here, there, closed };
    },
    [Symbol.dispose]: () => void server.close(),
  };
}

test('a new connection replaces the one that has been idle for the longest time, and busy ones stay', async () => {
  using server = await serve(3);
  const first = await server.open();
  const busy = server.connections.busy(first.there);
  // A second task of the first connection ends before its first task, so the connection stays busy.
  server.connections.busy(first.there)[Symbol.dispose]();
  const second = await server.open();
  const third = await server.open();
  const fourth = await server.open();
  await second.closed;
  assert.deepEqual(
    [first, third, fourth].map(({ there }) => there.destroyed),
    [false, false, false],
  );
  // The first connection is idle again. It is the newest idle one, so it would be closed last.
  busy[Symbol.dispose]();
  const fifth = await server.open();
  await third.closed;
  assert.deepEqual(
    [first, fourth, fifth].map(({ there }) => there.destroyed),
    [false, false, false],
  );
  for (const { here } of [first, fourth, fifth]) here.destroy();
});

test('a new connection is closed if all others are busy, and accepted after one of them has closed', async () => {
  using server = await serve(2);
  const first = await server.open();
  const second = await server.open();
  using _first = server.connections.busy(first.there);
  using _second = server.connections.busy(second.there);
  const third = await server.open();
  await third.closed;
  const gone = once(first.there, 'close');
  first.here.destroy();
  await gone;
  const fourth = await server.open();
  assert.deepEqual([second.there.destroyed, fourth.there.destroyed], [false, false]);
  for (const { here } of [second, fourth]) here.destroy();
});

test('a server uses at most a quarter of the remaining file descriptors, within limits', () => {
  const limits = [64, 65, 256, 1024, 2096, 1_048_576, Number.POSITIVE_INFINITY];
  assert.deepEqual(
    limits.map((openFiles) => connectionsWithin(512, openFiles)),
    [4, 4, 52, 244, 512, 512, 512],
  );
  assert.ok(connectionsWithin(512) >= 4);
});
