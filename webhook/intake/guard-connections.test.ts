// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTCPServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { limitConnections, trackConnections } from './guard-connections.ts';
import { usualLimits } from './limits.ts';

test('a destroyed connection that has not emitted close yet makes room for exactly one other connection', async () => {
  await using tcp = createTCPServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const accept = async (): Promise<Socket> => {
    const accepted = once(tcp, 'connection');
    connect(port, '127.0.0.1').on('error', () => {});
    const [socket] = await accepted;
    return socket as Socket;
  };
  const [first, second] = [await accept(), await accept()];
  using ending = new DisposableStack();
  ending.defer(() => void second.destroy());
  const server = createServer();
  server.removeAllListeners('connection');
  const refused: string[] = [];
  limitConnections(server, { ...usualLimits, clientConnections: 1 }, (reason) => {
    refused.push(reason);
    // Fails instead of blocking the test runner if the search for room never ends.
    assert.ok(refused.length < 3);
  });
  (server as EventEmitter).emit('connection', first);
  first.destroy();
  // The kernel can pass on several connections before Node.js emits `close`.
  (server as EventEmitter).emit('connection', second);
  assert.deepEqual([refused, second.destroyed], [['client-connections'], false]);
});

/** Starts a server with one client that never finishes its TLS handshake. */
async function stage() {
  const server = createServer();
  const connections = trackConnections(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  await accepted;
  return { server, connections, client };
}

test('a client that never finishes its handshake does not delay the end of a server', async () => {
  const { server, connections, client } = await stage();
  const ended = once(client, 'close');
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  await connections.endAfter(close, 1);
  await ended;
});

test('if the server closes within the grace period, or closing fails, no connection is cut', async (context) => {
  const { server, connections, client } = await stage();
  context.mock.timers.enable({ apis: ['setTimeout'] });
  await connections.endAfter(async () => {}, 1);
  await assert.rejects(
    connections.endAfter(() => Promise.reject(new Error('not open')), 1),
    { message: 'not open' },
  );
  context.mock.timers.tick(1_000);
  assert.equal(client.destroyed, false);
  client.destroy();
  server.close();
});
