// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { formatAddress, listen, listenFlag } from './listen-address.ts';

const { read } = listenFlag('where it listens', '127.0.0.1:0');

test('an address is host and port, an IPv6 one in brackets, and no host is every address', () => {
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

test('an address is written as it is given', () => {
  for (const text of ['127.0.0.1:8443', '[::1]:1']) {
    const parsed = read(text);
    assert.equal('value' in parsed && formatAddress(parsed.value), text);
  }
});

test('a server listens, on a port of its own for 0; a port that is taken is told with what to do', async () => {
  const [first, second] = [createServer(), createServer()];
  const bound = await listen(first, { host: '127.0.0.1', port: 0 });
  assert.ok(bound.port > 0);
  await assert.rejects(listen(second, bound), {
    code: 'ListenFailed',
    message: `cannot listen on 127.0.0.1:${bound.port}: listen EADDRINUSE: address already in use 127.0.0.1:${bound.port}; another process has the port; end it or choose another one`,
  });
  await assert.rejects(listen(second, { host: '192.0.2.1', port: 0 }), { message: /no interface has this address/ });
  first.close();
  await once(first, 'close');
  assert.deepEqual(await listen(second, bound), bound);
  second.close();
});
