// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { formatAddress, listen, listenAgainOnError, listenFlag } from './listen-address.ts';

const { read } = listenFlag('where it listens', '127.0.0.1:0');

test('an address is host and port; IPv6 needs brackets, and a missing host means every address', () => {
  assert.deepEqual(read('127.0.0.1:8443'), { value: { host: '127.0.0.1', port: 8443 } });
  assert.deepEqual(read('localhost:0'), { value: { host: 'localhost', port: 0 } });
  assert.deepEqual(read('[::1]:65535'), { value: { host: '::1', port: 65535 } });
  assert.deepEqual(read(':8443'), { value: { host: '::', port: 8443 } });
  for (const text of [
    '',
    '8443',
    '127.0.0.1',
    'a:',
    'a:b',
    'a:65536',
    '::1:1',
    '[x]:1',
    'a b:1',
    'a:1\n',
    'https://a:1',
  ]) {
    assert.ok('fault' in read(text), text);
  }
});

test('an address is formatted as it was given', () => {
  for (const text of ['127.0.0.1:8443', '[::1]:1']) {
    const parsed = read(text);
    assert.equal('value' in parsed && formatAddress(parsed.value), text);
  }
});

test('port 0 selects a free port, and the error for a port in use contains the fix', async () => {
  const [first, second] = [createServer(), createServer()];
  const bound = await listen(first, { host: '127.0.0.1', port: 0 });
  assert.ok(bound.port > 0);
  await assert.rejects(listen(second, bound), {
    code: 'ListenFailed',
    message: `cannot listen on 127.0.0.1:${bound.port}: listen EADDRINUSE: address already in use 127.0.0.1:${bound.port}; another process uses the port; stop it or choose another port`,
  });
  await assert.rejects(listen(second, { host: '192.0.2.1', port: 0 }), { message: /no interface has this address/ });
  first.close();
  await once(first, 'close');
  assert.deepEqual(await listen(second, bound), bound);
  second.close();
});

test('a server that cannot accept connections listens again on its address, until disposed', async () => {
  const server = createServer((socket) => socket.end('here'));
  const address = await listen(server, { host: '127.0.0.1', port: 0 });
  const again = listenAgainOnError(server, address, 1);
  for (let round = 0; round < 2; round += 1) {
    server.emit('error', new Error('accept EMFILE'));
    server.emit('error', new Error('accept EMFILE'));
    assert.equal(server.listening, false);
    await once(server, 'listening');
    assert.equal(await text(connect(address.port, address.host)), 'here');
  }
  server.emit('error', new Error('accept EMFILE'));
  again[Symbol.dispose]();
  await new Promise(setImmediate);
  assert.equal(server.listening, false);
});
