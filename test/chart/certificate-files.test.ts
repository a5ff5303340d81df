// SPDX-License-Identifier: Apache-2.0
// Tests the chart with cert-manager's certificate. The test plays cert-manager: it writes the files that kubelet would
// mount, and the bundle of the CA injector.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { generate } from 'selfsigned';
import { makeServiceAccount, installationNamespace as namespace } from '../apiserver/install.ts';
import { playService, serviceHost } from '../apiserver/play-service.ts';
import { publishedBundles } from '../apiserver/served-certificate.ts';
import { startWebhook } from '../apiserver/start-webhook.ts';
import { untilInForce } from '../apiserver/webhook-of-file.ts';
import { readForeignKinds } from './foreign-kinds.ts';
import { startHelmCluster } from './helm-cluster.ts';
import { chartFolder } from './run-helm.ts';

const cluster = await startHelmCluster(await readForeignKinds());
after(() => cluster[Symbol.asyncDispose]());
const release = ['kube-macvtap', chartFolder, '--namespace', namespace] as const;
const certManager = { certManager: { enabled: true } };

/** Writes the bundle into the annotated objects, as cert-manager's CA injector does. */
async function inject(pem: string): Promise<void> {
  for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
    const { items } = JSON.parse(await cluster.mustKubectl(['get', kind, '-o', 'json']));
    const [{ metadata, webhooks }] = items;
    assert.equal(metadata.annotations['cert-manager.io/inject-ca-from'], `${namespace}/kube-macvtap-webhook`);
    const caBundle = Buffer.from(pem).toString('base64');
    const patch = webhooks.map((_: unknown, i: number) => {
      const path = `/webhooks/${i}/clientConfig/caBundle`;
      return { op: 'add', path, value: caBundle };
    });
    await cluster.mustKubectl(['patch', kind, metadata.name, '--type=json', '-p', JSON.stringify(patch)]);
  }
}

it('the webhook serves from files with read-only rights, and an upgrade keeps the injected bundle', async () => {
  cluster.mustHelm('helm', ['install', ...release, '--create-namespace'], certManager);
  await makeServiceAccount(cluster, namespace, 'default');
  const pair = await generate([{ name: 'commonName', value: serviceHost }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: serviceHost }] }],
  });
  const directory = join(cluster.folder, 'certificate');
  await mkdir(directory);
  await writeFile(join(directory, 'tls.crt'), pair.cert);
  await writeFile(join(directory, 'tls.key'), pair.private);

  const service = cluster.use(await playService(cluster));
  const flags = ['--certificates', 'files', '--cert-dir', directory];
  const webhook = cluster.use(await startWebhook(cluster, { flags }));
  service.targets = [webhook.port];
  await inject(pair.cert);
  await untilInForce(cluster);

  const before = await publishedBundles(cluster);
  cluster.mustHelm('helm', ['upgrade', ...release], { ...certManager, webhook: { unknownResource: 'Warn' } });
  assert.deepEqual(await publishedBundles(cluster), before);
  assert.doesNotMatch(webhook.process.output, /[Ff]orbidden/);
});

it('a release that switches to cert-manager loses the Secret of the webhook, and gets a new one when it switches back', async () => {
  const secrets = () =>
    cluster.mustKubectl(['get', 'secrets', '-n', namespace, '-l', 'app.kubernetes.io/component=webhook', '-o', 'name']);
  cluster.mustHelm('helm', ['upgrade', ...release, '--reset-values']);
  assert.equal(await secrets(), 'secret/kube-macvtap-webhook-tls\n');
  assert.equal(await cluster.mustKubectl(['get', 'certificates,issuers', '-n', namespace, '-o', 'name']), '');
  const before = await publishedBundles(cluster);
  cluster.mustHelm('helm', ['upgrade', ...release], certManager);
  assert.equal(await secrets(), '');
  assert.deepEqual(await publishedBundles(cluster), before);
});
