// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { callWebhook } from './call-webhook.ts';

const answering = (status: number, message?: string) => ({ request: async () => ({ status, body: { message } }) });

test('a webhook that judges answers, whatever it says', async () => {
  const denied = 'admission webhook "check-policies.macvtap.network.kubevirt.io" denied the request: no';
  for (const client of [answering(201), answering(403, denied)]) {
    assert.deepEqual(await callWebhook(client, 'macvtap-cni'), { call: '' });
  }
});

test('what the API server says of a call that failed is told', async () => {
  const said = 'failed calling webhook "x": failed to call webhook: Post "https://…": x509: certificate has expired';
  assert.deepEqual(await callWebhook(answering(500, `Internal error occurred: ${said}`), 'a'), { call: said });
});

test('where nobody can say, it is told why not', async () => {
  const late = {
    request: () => Promise.reject(new MacvtapError('DeadlineExceeded', 'no answer in 30 s')),
  };
  for (const [client, message] of [
    [answering(403, 'forbidden'), /the right to create macvtapnetworknodepolicies in the namespace a is missing/],
    [answering(404, 'no such kind'), /404: no such kind/],
    [late, /no answer in 30 s/],
  ] as const) {
    const { call, missing } = await callWebhook(client, 'a');
    assert.equal(call, undefined);
    assert.match(missing?.message ?? '', message);
  }
  const gone = { request: () => Promise.reject(new MacvtapError('ApiServerUnreachable', 'gone')) };
  await assert.rejects(callWebhook(gone, 'a'), { code: 'ApiServerUnreachable' });
});
