// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createScriptedClient } from '../../test/fixtures/certs/scripted-client.ts';
import type { ApiResponse } from './client.ts';
import { createSecretStore } from './secret-store.ts';

// test/apiserver/certificate-objects.test.ts sends these requests to a real API server.
const { signal } = new AbortController();
const secret = (data?: unknown) => ({ metadata: { name: 's', resourceVersion: '7' }, data });
const base64 = (text: string) => Buffer.from(text).toString('base64');

function storeOf(answer: Partial<ApiResponse> | Error) {
  const client = createScriptedClient(() => answer);
  return { client, store: createSecretStore({ client, namespace: 'n', name: 's', keys: ['tls.crt', 'tls.key'] }) };
}

describe('a Secret as a store', () => {
  for (const [what, data, expected] of [
    ['texts', { 'tls.crt': base64('cert'), other: base64('ü') }, { 'tls.crt': 'cert', other: 'ü' }],
    ['no data', undefined, {}],
    ['null', null, {}],
    ['a list', ['x'], {}],
    ['values that are not strings', { a: 1, b: null, c: { d: 1 }, e: base64('x') }, { e: 'x' }],
  ] as const) {
    it(`reads ${what}`, async () => {
      const { store } = storeOf({ body: secret(data) });
      assert.deepEqual(await store.read(signal), { data: expected, version: '7' });
    });
  }

  it('distinguishes a missing Secret from an unreadable one', async () => {
    assert.equal(await storeOf({ status: 404 }).store.read(signal), undefined);
    for (const answer of [{ status: 500 }, { status: 403 }, { body: 'a page' }, { body: [] }]) {
      await assert.rejects(storeOf(answer).store.read(signal), {
        code: 'ApiServerRefused',
        message: /^get Secret n\/s: /,
      });
    }
    const gone = new Error('socket hang up');
    await assert.rejects(storeOf(gone).store.read(signal), gone);
  });

  it('sends the version that it replaces, and removes managed keys that the data does not contain', async () => {
    const { client, store } = storeOf({ status: 200 });
    assert.equal(await store.write({ 'tls.crt': 'a' }, '7', signal), 'written');
    assert.deepEqual(client.requests, [
      {
        line: 'PATCH /api/v1/namespaces/n/secrets/s',
        body: { metadata: { resourceVersion: '7' }, data: { 'tls.crt': base64('a'), 'tls.key': null } },
        contentType: 'application/merge-patch+json',
      },
    ]);
  });

  it('creates a Secret if there is none', async () => {
    const { client, store } = storeOf({ status: 201 });
    assert.equal(await store.write({ 'tls.crt': 'a' }, undefined, signal), 'written');
    assert.deepEqual(
      client.requests.map(({ line }) => line),
      ['POST /api/v1/namespaces/n/secrets'],
    );
  });

  for (const [status, version, result] of [
    [409, '7', 'conflict'],
    [409, undefined, 'conflict'],
    [404, '7', 'conflict'],
    [404, undefined, /^write Secret n\/s: 404/],
    [403, '7', /^write Secret n\/s: 403: .*; grant it in a role/],
    [403, undefined, /^Secret n\/s does not exist, and this service account may not create it: apply the chart again/],
    [422, '7', /^write Secret n\/s: 422/],
    [503, undefined, /^write Secret n\/s: 503/],
  ] as const) {
    it(`interprets ${status} for a ${version === undefined ? 'new' : 'known'} Secret as ${result}`, async () => {
      const written = storeOf({ status }).store.write({}, version, signal);
      if (result === 'conflict') assert.equal(await written, result);
      else await assert.rejects(written, { code: 'ApiServerRefused', message: result });
    });
  }
});
