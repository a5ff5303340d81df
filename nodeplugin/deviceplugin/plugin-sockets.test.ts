// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { link, mkdtempDisposable, readdir, unlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { chooseSocketPath, maxSocketPathBytes, removeStaleSockets, socketNamePattern } from './plugin-sockets.ts';

const kubelets = '/var/lib/kubelet/device-plugins';

test("a socket in kubelet's own directory is named after its resource", () => {
  assert.equal(chooseSocketPath(kubelets, 'dataplane', '5f01c2'), `${kubelets}/kube-macvtap-dataplane.5f01c2.sock`);
});

test('a name that is too long becomes a hash, which differs between resources', () => {
  const long = `${kubelets}/${'d'.repeat(24)}`;
  const paths = ['a', 'b'].map((letter) => chooseSocketPath(long, letter.repeat(63), '5f01c2'));
  for (const path of paths) {
    assert.ok(Buffer.byteLength(path) <= maxSocketPathBytes);
    assert.match(basename(path), /^kube-macvtap-[0-9a-f]{10}\.5f01c2\.sock$/);
  }
  assert.notEqual(paths[0], paths[1]);
});

test('a path may have the maximum length, which is counted in bytes', () => {
  const rest = Buffer.byteLength('/kube-macvtap-ab.1.sock');
  const fits = `/${'d'.repeat(maxSocketPathBytes - rest - 1)}`;
  assert.equal(basename(chooseSocketPath(fits, 'ab', '1')), 'kube-macvtap-ab.1.sock');
  assert.throws(() => chooseSocketPath(`${fits.slice(0, -1)}é`, 'ab', '1'), { code: 'SocketPathTooLong' });
});

test('the error for a directory with too long a path names the directory and the next step', () => {
  const directory = `/${'d'.repeat(100)}`;
  assert.throws(() => chooseSocketPath(directory, 'dataplane', '5f01c2'), {
    code: 'SocketPathTooLong',
    message: /dataplane.*dddd.*--kubelet-dir/,
    facts: { directory, resource: 'dataplane', bytes: 136 },
  });
});

test('every chosen path matches the pattern that finds stale sockets', () => {
  for (const name of ['a', 'a.b-c', 'x'.repeat(63)]) {
    assert.match(basename(chooseSocketPath(kubelets, name, '5f01c2')), socketNamePattern);
  }
});

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(path);
  await once(server, 'listening');
  return server;
}

/**
 * Leaves a socket file without a listener, as a killed process does. The file has a second hard link, which remains
 * after the server is closed.
 */
async function leaveSocket(directory: string, name: string): Promise<void> {
  const path = join(directory, 'listening');
  const server = await listen(path);
  await link(path, join(directory, name));
  server.close();
  await once(server, 'close');
  await unlink(path).catch(() => {});
}

test("only kube-macvtap's sockets without a listener are removed", async () => {
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

test('a missing directory has no stale sockets', async () => {
  assert.deepEqual(await removeStaleSockets('/nonexistent/device-plugins'), []);
});
