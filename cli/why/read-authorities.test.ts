// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { generate } from 'selfsigned';
import { readAuthorities } from './read-authorities.ts';

const endMs = Date.UTC(2030, 0, 1);
let pem: string;

before(async () => {
  const validity = { notBeforeDate: new Date(Date.UTC(2020, 0, 1)), notAfterDate: new Date(endMs) };
  pem = (await generate([{ name: 'commonName', value: 'x' }], { keyType: 'ec', curve: 'P-256', ...validity })).cert;
});

const configuration = (...bundles: readonly (string | undefined)[]) => ({
  metadata: { name: 'c' },
  webhooks: bundles.map((text) => ({
    clientConfig: text === undefined ? {} : { caBundle: Buffer.from(text).toString('base64') },
  })),
});

describe('the ends of what the API server is told to believe', () => {
  it('are told once for each certificate, however many webhooks have it', () => {
    assert.deepEqual(readAuthorities([configuration(pem, pem), configuration(`${pem}\n${pem}`)]), [endMs]);
  });

  it('are none where nothing is published, or what is there is no certificate', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    assert.deepEqual(readAuthorities([configuration(undefined, 'text', broken)]), []);
    assert.deepEqual(readAuthorities([]), []);
  });
});
