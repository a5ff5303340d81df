// SPDX-License-Identifier: Apache-2.0
// Tests the setup in docs/how-to/install.md: the API server has a client certificate, and the webhook accepts no other
// client.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { connect } from 'node:tls';
import { generate } from 'selfsigned';
import { generateCA } from '../control-plane/credentials.ts';
import { requestText } from '../fixtures/webhook/connected-app.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace } from './install.ts';
import { playService, serviceHost } from './play-service.ts';
import { isWebhookConfiguration, shippedObjects } from './shipped-objects.ts';
import { startWebhook } from './start-webhook.ts';
import { untilInForce } from './webhook-of-file.ts';

const commonName = 'kube-apiserver-webhooks';

/**
 * Makes a CA, a client certificate, and the files that make an API server use the certificate only for this webhook.
 */
async function writeClientFiles(folder: string) {
  const ca = await generateCA('webhook clients');
  const client = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: ca.private, cert: ca.cert },
    extensions: [{ name: 'extKeyUsage', clientAuth: true }],
  });
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const user = {
    'client-certificate': await write('webhook-client.crt', client.cert),
    'client-key': await write('webhook-client.key', client.private),
  };
  const kubeConfigFile = await write(
    'webhooks.kubeconfig',
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: serviceHost, user }] }),
  );
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'WebhookAdmissionConfiguration',
    kubeConfigFile,
  };
  const admissionFile = await write(
    'admission.json',
    JSON.stringify({
      apiVersion: 'apiserver.config.k8s.io/v1',
      kind: 'AdmissionConfiguration',
      plugins: ['MutatingAdmissionWebhook', 'ValidatingAdmissionWebhook'].map((name) => ({ name, configuration })),
    }),
  );
  return { caFile: await write('webhook-clients.crt', ca.cert), admissionFile };
}

it('only an API server with a client certificate gets answers', { timeout: 300_000 }, async () => {
  let caFile = '';
  const cluster = await clusterOfFile(async (folder) => {
    const files = await writeClientFiles(folder);
    caFile = files.caFile;
    return [`--admission-control-config-file=${files.admissionFile}`];
  });
  const service = cluster.use(await playService(cluster));
  await apply(cluster, shippedObjects().filter(isWebhookConfiguration));
  const flags = ['--client-ca-file', caFile, '--client-names', commonName];
  const webhook = cluster.use(await startWebhook(cluster, { flags }));
  service.targets = [webhook.port];
  await untilInForce(cluster);

  const stranger = connect({ port: webhook.port, host: '127.0.0.1', rejectUnauthorized: false });
  let answer = '';
  // The TLS alert that ends the connection is an error event. `once` of node:events would reject because of it.
  const closed = Promise.withResolvers<void>();
  stranger.on('error', () => {}).on('data', (chunk) => (answer += chunk));
  stranger.once('close', closed.resolve);
  stranger.write(requestText('stranger'));
  await closed.promise;
  assert.equal(answer, '');
  const refused = (await webhook.metrics()).filter(
    ({ name, labels }) => name === 'kube_macvtap_webhook_refusals_total' && labels.reason === 'client-certificate',
  );
  assert.ok((refused[0]?.value ?? 0) >= 1);

  // The webhook now requires another name in the certificate, so it rejects this API server. The API server then
  // refuses objects that need a review.
  await webhook[Symbol.asyncDispose]();
  const strict = cluster.use(
    await startWebhook(cluster, { flags: ['--client-ca-file', caFile, '--client-names', 'another'] }),
  );
  service.targets = [strict.port];
  const policy = {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name: 'p', namespace: installationNamespace },
    spec: { parentSelector: [{ parentIface: 'eth0' }] },
  };
  const path = `/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/${installationNamespace}/macvtapnetworknodepolicies`;
  const { status, body } = await cluster.admin.call('POST', path, { body: policy });
  assert.equal(status, 500);
  assert.match(JSON.stringify(body), /failed calling webhook/);
});
