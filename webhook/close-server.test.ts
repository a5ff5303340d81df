// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { trackConnections } from './close-server.ts';

/** A server with one client that never finishes its TLS handshake. */
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

test('a client that never finishes its handshake does not hold the end of a server', async () => {
  const { server, connections, client } = await stage();
  const ended = once(client, 'close');
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  await connections.endAfter(close, 1);
  await ended;
});

test('nothing is cut after a close that was quicker, or failed', async (context) => {
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
