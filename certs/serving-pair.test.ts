// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { before, describe, it, test } from 'node:test';
import { connect } from 'node:tls';
import { generate } from 'selfsigned';
import type { Pair } from './certificate-state.ts';
import { makePair, type PairRequest, readPair } from './serving-pair.ts';

const times = { notBeforeMs: 0, notAfterMs: Date.now() + 3_600_000 };

describe('reading a pair', () => {
  let pair: Pair;
  let other: Pair;
  let authorities: readonly X509Certificate[];
  before(async () => {
    pair = await makePair({ names: ['a.b.svc'], ...times });
    other = await makePair({ names: ['a.b.svc'], ...times });
    authorities = [other, pair].map(({ authority }) => new X509Certificate(authority.pem));
  });

  it('finds the CA among several', () => {
    assert.deepEqual(readPair(pair.certPem, pair.keyPem, authorities).pair, pair);
  });

  it('accepts a certificate that is followed by others', () => {
    const chain = pair.certPem + pair.authority.pem;
    assert.deepEqual(readPair(chain, pair.keyPem, authorities).pair, { ...pair, certPem: chain });
  });

  it('accepts an expired certificate, because times are checked elsewhere', async () => {
    const expired = await makePair({ names: ['a'], notBeforeMs: 0, notAfterMs: 1_000 });
    const { pair: read } = readPair(expired.certPem, expired.keyPem, [new X509Certificate(expired.authority.pem)]);
    assert.equal(read?.notAfterMs, 1_000);
  });

  const cert = /^the certificate cannot be read$/;
  const key = /^the key cannot be read$/;
  const problems: Readonly<Record<string, readonly [() => readonly [string, string], RegExp]>> = {
    'an empty certificate': [() => ['', pair.keyPem], cert],
    'half a certificate': [() => [pair.certPem.slice(0, 200), pair.keyPem], cert],
    'a certificate with a byte too many': [() => [pair.certPem.replace('MII', 'MIIA'), pair.keyPem], cert],
    'a key instead of a certificate': [() => [pair.keyPem, pair.keyPem], cert],
    'an empty key': [() => [pair.certPem, ''], key],
    'half a key': [() => [pair.certPem, pair.keyPem.slice(0, 100)], key],
    'an encrypted key': [() => [pair.certPem, encryptedKey()], key],
    'the key of another pair': [() => [pair.certPem, other.keyPem], /^the key does not belong to the certificate$/],
    'a broken intermediate certificate': [
      () => [`${pair.certPem}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`, pair.keyPem],
      /^TLS rejects the certificate and its key: /,
    ],
    'the CA itself as the certificate': [
      () => [pair.authority.pem, other.keyPem],
      /^the key does not belong to the certificate$/,
    ],
  };
  for (const [what, [files, problem]] of Object.entries(problems)) {
    it(`reports ${what}`, () => {
      const reading = readPair(...files(), authorities);
      assert.equal(reading.pair, undefined);
      assert.match(reading.problem ?? '', problem);
    });
  }

  it('rejects a certificate that none of the CAs signed', () => {
    for (const others of [[], [new X509Certificate(other.authority.pem)], [new X509Certificate(pair.certPem)]]) {
      assert.match(readPair(pair.certPem, pair.keyPem, others).problem ?? '', /^no CA in ca\.crt signed/);
    }
  });

  it('rejects a key that is too short for TLS', async () => {
    const weak = await generate([{ name: 'commonName', value: 'a' }], { keySize: 512, algorithm: 'sha256' });
    assert.match(readPair(weak.cert, weak.private, []).problem ?? '', /^TLS rejects .*too small/);
  });
});

function encryptedKey(): string {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  });
  return privateKey;
}

const hourMs = 3_600_000;
const request = (names: readonly string[]): PairRequest => ({
  names,
  notBeforeMs: Date.now() - hourMs,
  notAfterMs: Date.now() + hourMs,
});

/**
 * Connects as a client that trusts one CA. Returns undefined if the client accepts the server. Otherwise returns the
 * code of the client's error.
 */
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

test('a client that trusts the CA accepts the pair for exactly its names', async () => {
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

test('the CA and the certificate have only the permissions that they need', async () => {
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

test('each CA has a unique name', async () => {
  const [one, other] = [await makePair(request(['a'])), await makePair(request(['a']))];
  const subject = ({ authority }: typeof one) => new X509Certificate(authority.pem).subject;
  assert.notEqual(subject(one), subject(other));
  assert.match(subject(one) ?? '', /^CN=kube-macvtap webhook CA [0-9a-f]{16}$/);
});

test('a pair is valid for the requested time, in whole seconds', async () => {
  const pair = await makePair({ names: ['a'], notBeforeMs: 1_700_000_000_000, notAfterMs: 1_800_000_000_000 });
  assert.deepEqual(
    [pair.notBeforeMs, pair.notAfterMs, pair.authority.notAfterMs],
    [1_700_000_000_000, 1_800_000_000_000, 1_800_000_000_000],
  );
});

test('a name may be longer than a common name allows', async () => {
  const name = `${'n'.repeat(63)}.${'s'.repeat(63)}.svc`;
  assert.deepEqual((await makePair(request([name]))).names, [name]);
});
