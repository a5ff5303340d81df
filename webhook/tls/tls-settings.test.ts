// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { type ConnectionOptions, connect, createServer } from 'node:tls';
import { readFlags } from '../../runtime/read-flags.ts';
import { servingPair } from '../../test/fixtures/webhook/serving-pair.ts';
import { webhookLine } from '../config.ts';
import { readTlsSettings, tlsDefaults } from './tls-settings.ts';

function settingsOf(...argv: readonly string[]) {
  const parsed = readFlags(webhookLine, ['--source', 'cluster', ...argv], {});
  if (!('values' in parsed)) throw new Error(JSON.stringify(parsed));
  return readTlsSettings(parsed.values);
}

describe('the TLS flags', () => {
  it('default to TLS 1.2 and the cipher suites of Node.js', () => {
    assert.deepEqual(settingsOf(), tlsDefaults);
  });

  it('accept suites by their IANA and by their OpenSSL names, each once', () => {
    const suites =
      'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ECDHE-ECDSA-AES128-GCM-SHA256,AES256-SHA,TLS_AES_128_GCM_SHA256';
    assert.deepEqual(settingsOf('--tls-cipher-suites', suites), {
      minVersion: 'TLSv1.2',
      ciphers:
        'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:AES256-SHA',
    });
  });

  it('accept every suite that Kubernetes lists', () => {
    const names = ['ECDHE_ECDSA', 'ECDHE_RSA'].flatMap((exchange) => [
      ...['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256', 'CHACHA20_POLY1305'].map(
        (cipher) => `TLS_${exchange}_WITH_${cipher}`,
      ),
      ...['AES_128_CBC_SHA', 'AES_256_CBC_SHA', 'AES_128_CBC_SHA256'].map((cipher) => `TLS_${exchange}_WITH_${cipher}`),
    ]);
    const rsa = [
      'AES_128_CBC_SHA',
      'AES_256_CBC_SHA',
      'AES_128_CBC_SHA256',
      'AES_128_GCM_SHA256',
      'AES_256_GCM_SHA384',
    ];
    const all = [...names, ...rsa.map((cipher) => `TLS_RSA_WITH_${cipher}`)];
    const { ciphers = '' } = settingsOf('--tls-cipher-suites', all.join());
    assert.equal(ciphers.split(':').length, 3 + all.length - 2, 'two pairs of names are the same suite');
  });

  for (const [flags, message] of [
    [
      ['--tls-cipher-suites', 'TLS_RSA_WITH_RC4_128_SHA'],
      /unknown: TLS_RSA_WITH_RC4_128_SHA; write IANA or OpenSSL names/,
    ],
    [['--tls-cipher-suites', 'constructor,HIGH'], /unknown: constructor, HIGH/],
    [['--tls-cipher-suites', 'TLS_AES_128_GCM_SHA256'], /no suite of TLS 1\.2/],
    [['--tls-min-version', 'VersionTLS11'], /write one of VersionTLS12, VersionTLS13/],
  ] as const) {
    it(`refuse ${flags.join(' ')}`, () => assert.throws(() => settingsOf(...flags), message));
  }
});

describe('a server with these settings', () => {
  /** Returns the protocol and cipher suite of a handshake, or the reason why it failed. */
  async function handshake(argv: readonly string[], client: ConnectionOptions): Promise<string> {
    const { certPem, keyPem } = await servingPair();
    const server = createServer({ ...settingsOf(...argv), cert: certPem, key: keyPem }, (socket) => socket.end());
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...client });
    try {
      await once(socket, 'secureConnect');
      return `${socket.getProtocol()} ${socket.getCipher().name}`;
    } catch {
      return 'refused';
    } finally {
      socket.destroy();
      server.close();
    }
  }

  it('refuses TLS 1.2 with VersionTLS13', async () => {
    const flags = ['--tls-min-version', 'VersionTLS13'];
    assert.equal(await handshake(flags, { maxVersion: 'TLSv1.2' }), 'refused');
    assert.match(await handshake(flags, {}), /^TLSv1\.3 /);
  });

  it('uses the given suites for TLS 1.2, and the usual ones for TLS 1.3', async () => {
    const flags = ['--tls-cipher-suites', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'];
    assert.equal(await handshake(flags, { maxVersion: 'TLSv1.2' }), 'TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384');
    const other = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const;
    assert.equal(await handshake(flags, other), 'refused');
    assert.match(await handshake(flags, {}), /^TLSv1\.3 /);
  });
});
