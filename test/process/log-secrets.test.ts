// SPDX-License-Identifier: Apache-2.0
// Sends secrets through the real processes, with the log level debug and with invalid input that errors describe. No
// output may contain any part of a secret.
import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startApiServer } from '../apiserver-standin/start-api-server.ts';
import { servingPair } from '../fixtures/webhook/serving-pair.ts';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { kubeconfigFor } from './reach-from-namespace.ts';
import { makeShimNode, needsRealShim } from './shim-node.ts';
import { startProcess } from './start-process.ts';
import { reviewText, startWebhook } from './webhook-process.ts';

const secret = 'hunter2-hunter2-hunter2';
const encoded = Buffer.from(secret).toString('base64');

/**
 * Asserts that the output contains no secret, neither plain nor in base64. Checks only the first half of each, so that
 * a secret that was cut is also found.
 */
function assertSilent(output: string): void {
  assert.notEqual(output, '');
  for (const part of [secret.slice(0, 12), encoded.slice(0, 12)]) {
    const line = output.split('\n').find((text) => text.includes(part));
    assert.equal(line, undefined);
  }
}

const debug = ['--log-level', 'debug'];

test('admission: bodies that are reviewed, refused, or cannot be read', async () => {
  await using webhook = await startWebhook({}, debug);
  const config = `{"type": "macvtap", "mtu": 7, "args": {"password": "${secret}"}, "mac": "${secret}"}`;
  const labels = { 'kubectl.kubernetes.io/last-applied-configuration': secret };
  const { allowed } = await webhook.review('validate', { metadata: { name: 'net', labels }, spec: { config } });
  assert.equal(allowed, false);
  const env = [{ name: 'PASSWORD', value: secret }];
  const pod = { metadata: { name: 'p', annotations: { a: secret } }, spec: { containers: [{ name: 'c', env }] } };
  const podReview = reviewText(pod).replace('NetworkAttachmentDefinition', 'Pod');
  for (const path of ['/mutate/pods', '/validate/pods']) {
    assert.equal((await webhook.post(path, podReview)).status, 200);
    assert.equal((await webhook.post(path, podReview.slice(0, -5))).status, 400);
    assert.equal((await webhook.post(path, `"${secret}`)).status, 400);
    // The object's kind does not match the path, because the API server is configured wrongly.
    assert.equal((await webhook.post(path, reviewText(pod))).status, 200);
  }
  await webhook.process.stop();
  assert.match(webhook.process.output, /"msg":"denied"/);
  assert.match(webhook.process.output, /"msg":"allowed"/);
  assert.match(webhook.process.output, /"an admission request cannot be read"/);
  assertSilent(webhook.process.output);
});

test('certificates: keys that are served, and files that contain no key', async () => {
  const key = async (certificates: string) =>
    (await readFile(join(certificates, 'state-1/tls.key'), 'utf8')).split('\n');
  await using own = await startWebhook({}, debug);
  await own.listening();
  const [, line = assert.fail('no key')] = await key(own.certificates);
  await own.process.stop();
  assert.ok(!own.process.output.includes(line.slice(0, 20)));
  assert.doesNotMatch(own.process.output, /PRIVATE KEY/);

  const pair = await servingPair();
  const broken = `-----BEGIN PRIVATE KEY-----\n${encoded}\n-----END PRIVATE KEY-----\n`;
  await using files = await startWebhook({}, [...debug, '--certificates', 'files'], async (directory) => {
    await writeFile(join(directory, 'tls.crt'), pair.certPem);
    await writeFile(join(directory, 'tls.key'), broken);
  });
  await files.process.waitForLine(/"the certificate needs attention"/);
  await files.process.stop();
  assertSilent(files.process.output);
});

for (const [title, prepare] of [
  ['a token that the API server refuses', (url: string) => kubeconfigFor(url, {}, { token: secret })],
  ['a file that is not YAML', (url: string) => `${kubeconfigFor(url, {}, { token: secret })}\n  token: "${secret}\n`],
  ['a user that is not an object', () => `users: [{name: u, user: {token: [${secret}}]\n`],
] as const) {
  test(`kubeconfig: ${title}`, async () => {
    await using server = await startApiServer();
    server.intercept(() => ({ status: 401, body: { message: 'Unauthorized' } }));
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-secrets-'));
    const kubeconfig = join(folder.path, 'kubeconfig');
    await writeFile(kubeconfig, prepare(server.url));
    await using webhook = startProcess({
      name: 'webhook',
      command: [
        process.execPath,
        'webhook/main.ts',
        ...['--source', 'cluster', '--kubeconfig', kubeconfig, ...debug],
        ...['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
      ],
    });
    await webhook.waitForLine(/401|cannot be used/);
    await webhook.stop();
    assertSilent(webhook.output);
  });
}

test('manifests: a Secret among the files, complete or broken', async () => {
  const whole = `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: ${secret}}\n`;
  const files = { 'secret.yaml': whole, 'broken.yaml': `${whole}data:\n  a: "${secret}\n`, 'other.yaml': `{${secret}` };
  await using webhook = await startWebhook(files, debug);
  await webhook.listening();
  await webhook.process.stop();
  assert.match(webhook.process.output, /"an object has an error"/);
  assertSilent(webhook.process.output);
});

test('CNI: everything that a runtime sends, including what the plugin does not read', {
  skip: needsRealShim,
}, async () => {
  await using node = await makeShimNode();
  await using pod = await makeNetworkNamespace();
  const plugin = node.run(...debug);
  await node.offers({ net: 2 });
  const { id } = await node.admit();
  const netns = `/run/netns/${pod.name}`;
  const conf = { deviceID: id, args: { labels: [{ key: 'password', value: secret }] }, extra: secret };
  assert.equal((await node.call('ADD', { netns, conf })).exitCode, 0);
  assert.equal((await node.call('DEL', { netns, conf })).exitCode, 0);
  assert.equal((await node.call('ADD', { netns, conf: { ...conf, mtu: 7 } })).exitCode, 1);
  assert.equal((await node.call('ADD', { netns, conf: `{"args": "${secret}` })).exitCode, 1);
  await plugin.stop();
  assert.match(plugin.output, /"pod":\{"namespace":"vms","name":"vm-a"\},.*"durationMs":[\d.]+,"msg":"pod attached"/);
  assert.match(plugin.output, /"msg":"pod detached"/);
  assert.equal(plugin.output.match(/"CNI request failed"/g)?.length, 2);
  assertSilent(plugin.output);
});
