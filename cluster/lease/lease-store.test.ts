// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { createScriptedClient } from '../../test/fixtures/certs/scripted-client.ts';
import type { ApiResponse } from '../api/client.ts';
import { createLeaseStore, decideLease } from './lease-store.ts';

// test/apiserver/lease.test.ts sends these requests to a real API server.
const { signal } = new AbortController();
const lease = (spec?: unknown) => ({ metadata: { name: 'l', resourceVersion: '7' }, spec });

function storeOf(answer: Partial<ApiResponse>) {
  const client = createScriptedClient(() => answer);
  return { client, store: createLeaseStore({ client, namespace: 'n', name: 'l' }) };
}

const write = { holder: 'me', durationMs: 15_000, transitions: 4, renewedAt: new Date(0) };

describe('the store of a Lease', () => {
  for (const [what, spec, record] of [
    [
      'that has a holder',
      { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 3 },
      { holder: 'a', durationMs: 15_000, transitions: 3 },
    ],
    ['as the chart creates it', undefined, { holder: undefined, durationMs: 0, transitions: 0 }],
    ['that was released', { holderIdentity: '' }, { holder: undefined, durationMs: 0, transitions: 0 }],
    [
      'with invalid types that a user wrote',
      { holderIdentity: 7, leaseDurationSeconds: '15', leaseTransitions: null },
      { holder: undefined, durationMs: 0, transitions: 0 },
    ],
  ] as const) {
    it(`reads a Lease ${what}`, async () => {
      assert.deepEqual(await storeOf({ body: lease(spec) }).store.read(signal), { record, version: '7' });
    });
  }

  it('writes the Lease with the version that it replaces, and with times in the format of the API', async () => {
    const { client, store } = storeOf({ body: lease() });
    assert.equal(await store.write({ ...write, takenAt: new Date(1) }, '6', signal), '7');
    await store.write({ ...write, holder: undefined, durationMs: 1 }, '7', signal);
    const spec = { leaseTransitions: 4, renewTime: '1970-01-01T00:00:00.000000Z' };
    assert.deepEqual(
      client.requests.map(({ body }) => body),
      [
        {
          metadata: { resourceVersion: '6' },
          spec: {
            ...spec,
            holderIdentity: 'me',
            leaseDurationSeconds: 15,
            acquireTime: '1970-01-01T00:00:00.001000Z',
          },
        },
        { metadata: { resourceVersion: '7' }, spec: { ...spec, holderIdentity: null, leaseDurationSeconds: 1 } },
      ],
    );
    assert.equal(client.requests[0]?.contentType, 'application/merge-patch+json');
  });

  for (const [status, outcome] of [
    [409, 'conflict'],
    [404, 'conflict'],
    [403, /^write Lease n\/l: 403: .*; grant it in a role/],
    [500, /^write Lease n\/l: 500/],
  ] as const) {
    it(`interprets the status ${status} of a write as ${outcome}`, async () => {
      const written = storeOf({ status }).store.write(write, '6', signal);
      if (outcome === 'conflict') assert.equal(await written, outcome);
      else await assert.rejects(written, { code: 'ApiServerRefused', message: outcome });
    });
  }

  it('names the chart, which creates the Lease, in the error for a missing Lease', async () => {
    await assert.rejects(storeOf({ status: 404 }).store.read(signal), {
      message: 'Lease n/l does not exist, and this service account may not create it: apply the chart again',
    });
    await assert.rejects(storeOf({ status: 200, body: 'a page' }).store.read(signal), { code: 'ApiServerRefused' });
  });
});

const table = [
  ['is taken at once if it has no holder', undefined, 0, { what: 'take', transitions: 4 }],
  ['is renewed by its holder, even after a long time', 'me', 60_000, { what: 'renew', transitions: 3 }],
  ['is not taken while its holder renews it', 'other', 4_000, { what: 'wait', ms: 11_000 }],
  ['is not taken a millisecond before its duration ends', 'other', 14_999, { what: 'wait', ms: 1 }],
  ['is taken if its holder has not renewed it for its duration', 'other', 15_000, { what: 'take', transitions: 4 }],
] as const;

for (const [title, holder, unchangedMs, decision] of table) {
  test(`a Lease ${title}`, () => {
    const record = { holder, durationMs: 15_000, transitions: 3 };
    assert.deepEqual(decideLease(record, { identity: 'me', unchangedMs }), decision);
  });
}
