// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { generate } from 'selfsigned';
import { makePair } from './make-pair.ts';
import type { Pair } from './pair.ts';
import { readPair } from './read-pair.ts';

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

  it('finds the authority among several', () => {
    assert.deepEqual(readPair(pair.certPem, pair.keyPem, authorities).pair, pair);
  });

  it('takes a certificate that is followed by others', () => {
    const chain = pair.certPem + pair.authority.pem;
    assert.deepEqual(readPair(chain, pair.keyPem, authorities).pair, { ...pair, certPem: chain });
  });

  it('takes one that is expired: what that means is another question', async () => {
    const expired = await makePair({ names: ['a'], notBeforeMs: 0, notAfterMs: 1_000 });
    const { pair: read } = readPair(expired.certPem, expired.keyPem, [new X509Certificate(expired.authority.pem)]);
    assert.equal(read?.notAfterMs, 1_000);
  });

  const cert = /^the certificate cannot be read$/;
  const key = /^the key cannot be read$/;
  const faults: Readonly<Record<string, readonly [() => readonly [string, string], RegExp]>> = {
    'an empty certificate': [() => ['', pair.keyPem], cert],
    'half a certificate': [() => [pair.certPem.slice(0, 200), pair.keyPem], cert],
    'a certificate with a byte too many': [() => [pair.certPem.replace('MII', 'MIIA'), pair.keyPem], cert],
    'a key instead of a certificate': [() => [pair.keyPem, pair.keyPem], cert],
    'an empty key': [() => [pair.certPem, ''], key],
    'half a key': [() => [pair.certPem, pair.keyPem.slice(0, 100)], key],
    'an encrypted key': [() => [pair.certPem, encryptedKey()], key],
    'the key of another pair': [() => [pair.certPem, other.keyPem], /^the key is not the one of the certificate$/],
    'a broken intermediate certificate': [
      () => [`${pair.certPem}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`, pair.keyPem],
      /^TLS does not take the certificate and its key: /,
    ],
    'a certificate that is its own': [
      () => [pair.authority.pem, other.keyPem],
      /^the key is not the one of the certificate$/,
    ],
  };
  for (const [what, [files, fault]] of Object.entries(faults)) {
    it(`tells ${what}`, () => {
      const reading = readPair(...files(), authorities);
      assert.equal(reading.pair, undefined);
      assert.match(reading.fault ?? '', fault);
    });
  }

  it('tells a certificate that none of the authorities signed', () => {
    for (const others of [[], [new X509Certificate(other.authority.pem)], [new X509Certificate(pair.certPem)]]) {
      assert.match(readPair(pair.certPem, pair.keyPem, others).fault ?? '', /^none of the authorities beside it/);
    }
  });

  it('tells a key that TLS does not take as long as it is', async () => {
    const weak = await generate([{ name: 'commonName', value: 'a' }], { keySize: 512, algorithm: 'sha256' });
    assert.match(readPair(weak.cert, weak.private, []).fault ?? '', /^TLS does not take .*too small/);
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
