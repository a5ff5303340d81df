// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import type { ApiClient, ApiResponse } from './client.ts';
import { createApiLookups, createMetadataLookups } from './lookups.ts';

const never = new AbortController().signal;

/** Returns look-ups on an API server that always gives this answer, and the requests that the server received. */
function ask(answer: ApiResponse | MacvtapError) {
  const requests: string[] = [];
  const request: ApiClient['request'] = async (method, path, _body, options) => {
    requests.push(`${method} ${path} ${options?.accept}`);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const client: ApiClient = {
    server: 'https://10.96.0.1:443',
    request,
    stream: () => assert.fail('no watch'),
    [Symbol.dispose]() {},
  };
  return { requests, lookups: createMetadataLookups(client), review: createApiLookups(client, 'macvtap-cni') };
}

const ok = (metadata: object): ApiResponse => ({
  status: 200,
  body: { metadata: { name: 'a', uid: 'u', creationTimestamp: '1970-01-01T00:00:01Z', ...metadata } },
});

describe('a claim', () => {
  const found = (answer: ApiResponse) => ask(answer).review.claim('ResourceClaim', 'vms', 'gpu', never);

  it('that does not exist is undefined', async () => {
    assert.equal(await found({ status: 404, body: { kind: 'Status', code: 404 } }), undefined);
  });

  it('has no requests if the API server has only an older version of the API', async () => {
    assert.deepEqual(await found({ status: 404, body: '404 page not found\n' }), { metadata: { name: 'gpu' } });
  });
});

describe('metadata', () => {
  it('of a pod contains its UID and its owners, and only metadata is requested', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', controller: true };
    const { requests, lookups } = ask(ok({ ownerReferences: [{ ...owner, uid: 'x' }, { kind: 'A' }, null] }));
    assert.deepEqual(await lookups.pod('vms', 'web-0', never), {
      uid: 'u',
      createdMs: 1000,
      owners: [
        { ...owner, uid: 'x' },
        { apiVersion: 'undefined', kind: 'A', name: 'undefined', uid: 'undefined', controller: false },
      ],
      labels: {},
      annotations: {},
    });
    assert.match(requests.join(), /^GET \/api\/v1\/namespaces\/vms\/pods\/web-0 [^,]*as=PartialObjectMetadata;/);
  });

  it('of a pod may have no owners, and only texts count as labels and annotations', async () => {
    const { lookups } = ask(ok({ labels: { a: 'b', c: 1 }, annotations: ['x'] }));
    assert.deepEqual(await lookups.pod('vms', 'a', never), {
      uid: 'u',
      createdMs: 1000,
      owners: [],
      labels: { a: 'b' },
      annotations: {},
    });
  });

  it('of a namespace contains its UID', async () => {
    assert.equal(await ask(ok({})).lookups.namespaceUID('kube-system', never), 'u');
  });

  it('of a missing object is undefined', async () => {
    const { lookups } = ask({ status: 404, body: {} });
    assert.equal(await lookups.pod('vms', 'a', never), undefined);
    assert.equal(await lookups.namespaceUID('a', never), undefined);
  });

  it('is not requested for an invalid object name', async () => {
    const { requests, lookups } = ask(ok({}));
    for (const name of ['..', 'a/b', 'A', '']) {
      assert.equal(await lookups.pod('vms', name, never), undefined);
      assert.equal(await lookups.pod(name, 'a', never), undefined);
      assert.equal(await lookups.namespaceUID(name, never), undefined);
    }
    assert.deepEqual(requests, []);
  });

  for (const [title, answer] of [
    ['a refusal', { status: 403, body: { message: 'no' } }],
    ['no answer', new MacvtapError('ApiServerUnreachable', 'no connection')],
    ['an answer that is not an object', { status: 200, body: 'x' }],
  ] as const) {
    it(`is unknown after ${title}`, async () => {
      await assert.rejects(ask(answer).lookups.pod('vms', 'a', never), { code: 'LookupFailed' });
    });
  }
});
