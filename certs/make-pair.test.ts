// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { makePair, type PairRequest } from './make-pair.ts';

const hourMs = 3_600_000;
const request = (names: readonly string[]): PairRequest => ({
  names,
  notBeforeMs: Date.now() - hourMs,
  notAfterMs: Date.now() + hourMs,
});

/** What a client that trusts one authority makes of a server: undefined when it accepts it, else the code of its error. */
async function handshake(port: number, ca: string, servername: string): Promise<string | undefined> {
  const socket = connect({ port, host: '127.0.0.1', ca, servername });
  try {
    await once(socket, 'secureConnect');
    return undefined;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code;
  } finally {
    socket.destroy();
  }
}

test('a client that trusts its authority accepts a pair for each of its names, and for no other', async () => {
  const pair = await makePair(request(['Webhook.ns.svc', '127.0.0.1', '0:0::1']));
  const other = await makePair(request(['webhook.ns.svc']));
  assert.deepEqual(pair.names, ['webhook.ns.svc', '127.0.0.1', '::1']);
  await using server = createServer({ cert: pair.certPem, key: pair.keyPem }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.equal(await handshake(port, pair.authority.pem, 'webhook.ns.svc'), undefined);
  assert.equal(await handshake(port, other.authority.pem + pair.authority.pem, 'webhook.ns.svc'), undefined);
  assert.equal(await handshake(port, pair.authority.pem, 'other.ns.svc'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  assert.equal(await handshake(port, other.authority.pem, 'webhook.ns.svc'), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
});

test('authority and certificate can do what they are for, and no more', async () => {
  const { certPem, keyPem, authority, serial } = await makePair(request(['a']));
  const [leaf, root] = [new X509Certificate(certPem), new X509Certificate(authority.pem)];
  assert.deepEqual([leaf.ca, root.ca], [false, true]);
  // id-kp-serverAuth, RFC 5280, 4.2.1.12.
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.equal(root.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  assert.equal(root.checkPrivateKey(createPrivateKey(keyPem)), false);
  assert.equal(leaf.serialNumber, serial);
});

test('each authority has a name of its own', async () => {
  const [one, other] = [await makePair(request(['a'])), await makePair(request(['a']))];
  const subject = ({ authority }: typeof one) => new X509Certificate(authority.pem).subject;
  assert.notEqual(subject(one), subject(other));
  assert.match(subject(one) ?? '', /^CN=kube-macvtap webhook CA [0-9a-f]{16}$/);
});

test('a pair lives as long as it was asked to, in whole seconds', async () => {
  const pair = await makePair({ names: ['a'], notBeforeMs: 1_700_000_000_000, notAfterMs: 1_800_000_000_000 });
  assert.deepEqual(
    [pair.notBeforeMs, pair.notAfterMs, pair.authority.notAfterMs],
    [1_700_000_000_000, 1_800_000_000_000, 1_800_000_000_000],
  );
});

test('a name too long for a common name is no obstacle', async () => {
  const name = `${'n'.repeat(63)}.${'s'.repeat(63)}.svc`;
  assert.deepEqual((await makePair(request([name]))).names, [name]);
});
