// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, describe, it, test } from 'node:test';
import { generate } from 'selfsigned';
import { MacvtapError } from '../../runtime/errors.ts';
import { callWebhook, readAuthorities, readPlugin } from './read-installation.ts';

const answering = (status: number, message?: string) => ({ request: async () => ({ status, body: { message } }) });

test('any verdict of the webhook counts as an answer', async () => {
  const denied = 'admission webhook "check-policies.macvtap.network.kubevirt.io" denied the request: no';
  for (const client of [answering(201), answering(403, denied)]) {
    assert.deepEqual(await callWebhook(client, 'macvtap-cni'), { call: '' });
  }
});

test('a failed call has the error of the API server', async () => {
  const said = 'failed calling webhook "x": failed to call webhook: Post "https://…": x509: certificate has expired';
  assert.deepEqual(await callWebhook(answering(500, `Internal error occurred: ${said}`), 'a'), { call: said });
});

test('if the result of a call is unknown, the reason is given', async () => {
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

const labels = { 'app.kubernetes.io/instance': 'nics' };
const daemonSet = { metadata: { name: 'd', labels }, spec: { template: { spec: { nodeSelector: { os: 'linux' } } } } };
const pod = (name: string, nodeName: string, container: object, more: object = {}) => ({
  metadata: { name, ...more },
  spec: { nodeName },
  status: { conditions: [{ type: 'Ready', status: 'False' }], containerStatuses: [container] },
});

test('each node has the pod that is not being deleted, with the reason why that pod is not Ready', () => {
  const crashed = {
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
    lastState: { terminated: { message: 'first line\nLedgerLocked: another process\n' } },
  };
  const { name, release, selection, pods } = readPlugin(daemonSet, [
    pod('old', 'h1', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    pod('new', 'h1', crashed),
    pod('pull', 'h2', { state: { waiting: { reason: 'ErrImageNeverPull', message: 'not present' } } }),
    pod('starts', 'h3', { state: { running: {} } }),
  ]);
  assert.deepEqual([name, release], ['d', 'nics']);
  assert.deepEqual(selection.labels, [{ key: 'os', operator: 'In', values: ['linux'] }]);
  assert.deepEqual(pods.get('h1'), {
    name: 'new',
    isReady: false,
    said: 'CrashLoopBackOff: LedgerLocked: another process',
    lacksImage: false,
  });
  assert.deepEqual([pods.get('h2')?.said, pods.get('h2')?.lacksImage], ['ErrImageNeverPull: not present', true]);
  assert.deepEqual([pods.get('h3')?.said, pods.get('h3')?.isReady], [undefined, false]);
});

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

describe('the expiry of CA certificates', () => {
  it('is listed once for each certificate, even if several webhooks use it', () => {
    assert.deepEqual(readAuthorities([configuration(pem, pem), configuration(`${pem}\n${pem}`)]), [endMs]);
  });

  it('is not listed if the CA bundle is missing or is not a certificate', () => {
    const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    assert.deepEqual(readAuthorities([configuration(undefined, 'text', broken)]), []);
    assert.deepEqual(readAuthorities([]), []);
  });
});
