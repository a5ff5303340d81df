// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { link, mkdtempDisposable, readdir, unlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeStaleSockets } from './remove-stale-sockets.ts';

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(path);
  await once(server, 'listening');
  return server;
}

/** What a killed process leaves: a socket file whose listener is gone. A second link survives the close. */
async function leaveSocket(directory: string, name: string): Promise<void> {
  const path = join(directory, 'listening');
  const server = await listen(path);
  await link(path, join(directory, name));
  server.close();
  await once(server, 'close');
  await unlink(path).catch(() => {});
}

test('only sockets of ours on which nobody listens are removed', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-stale-'));
  const live = await listen(join(directory.path, 'kube-macvtap-live.1.sock'));
  await leaveSocket(directory.path, 'kube-macvtap-dead.1.sock');
  await leaveSocket(directory.path, 'other-plugin.sock');
  await writeFile(join(directory.path, 'kube-macvtap-file.1.sock'), '');
  assert.deepEqual(await removeStaleSockets(directory.path), ['kube-macvtap-dead.1.sock']);
  assert.deepEqual((await readdir(directory.path)).sort(), [
    'kube-macvtap-file.1.sock',
    'kube-macvtap-live.1.sock',
    'other-plugin.sock',
  ]);
  live.close();
});

test('a directory that is missing has no stale sockets', async () => {
  assert.deepEqual(await removeStaleSockets('/nonexistent/device-plugins'), []);
});
