// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { listenPersistently } from './socket-listener.ts';

/** Starts a server in its own folder that greets each client, and collects the messages that it reports. */
async function start() {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-listen-')));
  const path = join(folder.path, 'cni.sock');
  const server = createServer({ allowHalfOpen: true }, (socket) => socket.end('here'));
  let report = Promise.withResolvers<string>();
  const options = { server, path, onLost: ({ message }: Error) => report.resolve(message) };
  const listening = undo.use(await listenPersistently(options));
  const scope = undo.move();
  return {
    folder: folder.path,
    path,
    server,
    listening,
    /** Resolves with the next reported message. */
    async told(): Promise<string> {
      const message = await report.promise;
      report = Promise.withResolvers();
      return message;
    },
    greet: () => text(connect(path)),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

test('a socket whose file was removed is served again, with its mode', async () => {
  await using node = await start();
  for (let round = 0; round < 2; round += 1) {
    await rm(node.path);
    assert.match(await node.told(), /cni\.sock was lost; it is served again: its file was removed$/);
    assert.equal(await node.greet(), 'here');
    assert.equal((await stat(node.path)).mode & 0o777, 0o600);
  }
});

test('a folder that was removed with the socket is recreated', async () => {
  await using node = await start();
  await rm(node.folder, { recursive: true });
  assert.match(await node.told(), /is served again/);
  assert.equal(await node.greet(), 'here');
});

test('a server that cannot accept connections listens again, and reports the reason', async () => {
  await using node = await start();
  for (const message of ['accept EMFILE', 'accept ENFILE']) {
    node.server.emit('error', new Error(message));
    assert.equal(node.server.listening, false);
    // Further errors at the same moment change nothing.
    node.server.emit('error', new Error('accept EMFILE'));
    assert.match(await node.told(), new RegExp(`is served again: ${message}$`));
    assert.equal(await node.greet(), 'here');
  }
});

test('a failed attempt to listen is repeated', async () => {
  await using node = await start();
  const aside = `${node.folder}-aside`;
  await rename(node.folder, aside);
  await writeFile(node.folder, '');
  assert.match(await node.told(), /cannot serve CNI on .*; check its directory$/);
  await rm(node.folder);
  await rename(aside, node.folder);
  await rm(node.path, { force: true });
  assert.match(await node.told(), /is served again/);
  assert.equal(await node.greet(), 'here');
});

test("a successor's socket at the same path is kept, both while this server runs and when it ends", async () => {
  await using node = await start();
  const successor = createServer((socket) => socket.end('successor'));
  await new Promise<void>((resolve) => successor.listen(`${node.path}.other`, resolve));
  await rename(`${node.path}.other`, node.path);
  await node.listening[Symbol.asyncDispose]();
  assert.equal(await node.greet(), 'successor');
  successor.close();
});

test('a server that ends while it waits to listen again leaves no file', async () => {
  await using node = await start();
  node.server.emit('error', new Error('accept EMFILE'));
  await node.listening[Symbol.asyncDispose]();
  assert.deepEqual(await readdir(node.folder), []);
  assert.equal(node.server.listening, false);
});
