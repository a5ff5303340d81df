// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPeerCredentials } from './unix-socket.ts';

test('the kernel identifies the process at the other end of a unix socket', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-peer-'));
  const server = createServer();
  server.listen(join(folder.path, 's'));
  await once(server, 'listening');
  const client = connect(join(folder.path, 's'));
  const [socket] = (await once(server, 'connection')) as [Socket];
  assert.deepEqual(readPeerCredentials(socket), { pid: process.pid, uid: process.getuid?.() });
  socket.destroy();
  client.destroy();
  server.close();
});

test('a socket without a connection has no peer credentials', () => {
  assert.equal(readPeerCredentials(new Socket()), undefined);
});
