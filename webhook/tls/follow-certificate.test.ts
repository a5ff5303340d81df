// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { test } from 'node:test';
import { connect, type SecureContextOptions } from 'node:tls';
import { servingPair } from '../../test/fixtures/webhook/serving-pair.ts';
import { followCertificate, type ServingPair } from './follow-certificate.ts';

/** Starts a server that follows a certificate source. The test controls the source. */
async function stage() {
  const listeners = new Set<() => void>();
  let current: ServingPair | undefined;
  const source = {
    get current() {
      return current;
    },
    problems: [],
    onChange(listener: () => void) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const server = createServer((_, response) => response.end('ok'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const served: string[] = [];
  const faults: string[] = [];
  const followed = followCertificate({
    server,
    source,
    onServed: ({ serial }) => void served.push(serial),
    onUnusable: ({ message }) => void faults.push(message),
  });
  /** Returns the serial number of the certificate that a new connection receives, or the error of the handshake. */
  const handshake = () =>
    new Promise<string>((resolve) => {
      const { port } = server.address() as { port: number };
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      });
      socket.on('error', ({ message }) => resolve(message));
    });
  return {
    followed,
    served,
    faults,
    listeners,
    server,
    handshake,
    publish(pair: ServingPair | undefined) {
      current = pair;
      for (const listener of listeners) listener();
    },
    async [Symbol.asyncDispose]() {
      followed[Symbol.dispose]();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

test('a server without a certificate refuses handshakes until there is one', async () => {
  await using tls = await stage();
  assert.match(await tls.handshake(), /handshake failure|no shared cipher/i);
  assert.equal(tls.followed.isLoaded, false);
  const pair = await servingPair();
  tls.publish(pair);
  assert.deepEqual([await tls.handshake(), tls.followed.isLoaded], [pair.serial, true]);
});

test('new connections get the new certificate, and open connections keep theirs', async () => {
  await using tls = await stage();
  const [first, second] = await Promise.all([servingPair(), servingPair()]);
  tls.publish(first);
  const { port } = tls.server.address() as { port: number };
  const open = connect({ port, host: '127.0.0.1', ca: first.authority.pem, servername: 'localhost' });
  await once(open, 'secureConnect');
  tls.publish(second);
  assert.equal(await tls.handshake(), second.serial);
  open.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  const [answer] = await once(open, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 200/);
  open.destroy();
  assert.deepEqual(tls.served, [first.serial, second.serial]);
});

test('if the new pair is unusable or missing, the previous pair stays in use', async () => {
  await using tls = await stage();
  const [first, second] = await Promise.all([servingPair(), servingPair()]);
  tls.publish(first);
  tls.publish({ ...second, keyPem: first.keyPem });
  tls.publish({ certPem: 'nonsense', keyPem: '' });
  tls.publish(undefined);
  // A source publishes the same pair again after a problem of its store.
  tls.publish(first);
  assert.equal(await tls.handshake(), first.serial);
  assert.deepEqual(tls.served, [first.serial]);
  assert.equal(tls.faults.length, 2);
  for (const fault of tls.faults) assert.match(fault, /^the new certificate cannot be served: /);
});

test('after its scope ends, certificates are no longer followed', async () => {
  const tls = await stage();
  await tls[Symbol.asyncDispose]();
  assert.equal(tls.listeners.size, 0);
});

test('each certificate is loaded with the oldest accepted TLS version, whatever Node.js allows', async () => {
  const pair = await servingPair();
  const contexts: SecureContextOptions[] = [];
  using _following = followCertificate({
    server: { setSecureContext: (context) => void contexts.push(context) },
    source: { current: pair, problems: [], onChange: () => ({ [Symbol.dispose]: () => undefined }) },
    onServed: () => undefined,
    onUnusable: assert.fail,
  });
  assert.deepEqual(contexts, [{ minVersion: 'TLSv1.2', cert: pair.certPem, key: pair.keyPem }]);
});
