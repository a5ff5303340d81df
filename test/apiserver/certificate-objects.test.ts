// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { serviceNames } from '../../certs/certificate-state.ts';
import { stateKeys } from '../../certs/certificate-store.ts';
import { type RenewCertificateOptions, renewCertificate } from '../../certs/renew-certificate.ts';
import { type ApiClient, openApiClient } from '../../cluster/api/client.ts';
import { createCaBundlePublisher } from '../../cluster/api/publish-ca-bundle.ts';
import { createSecretStore } from '../../cluster/api/secret-store.ts';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace as namespace } from './install.ts';
import { unboundToken } from './pod-token.ts';
import { isWebhookConfiguration, shippedObjects } from './shipped-objects.ts';

// Uses the Secret and the webhook configurations from the chart. Replicas of the webhook write them with the chart's
// RBAC rules.
const cluster = await clusterOfFile();
const configurationObjects = shippedObjects().filter(isWebhookConfiguration);
await apply(cluster, configurationObjects);

const configuration = 'webhook.macvtap.network.kubevirt.io';
const secretName = 'kube-macvtap-webhook-tls';
const secretPath = `/api/v1/namespaces/${namespace}/secrets/${secretName}`;
const emptySecret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: secretName, namespace } };
const kinds = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'] as const;
const pathOf = (kind: (typeof kinds)[number]) =>
  `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s/${configuration}`;

interface Configuration {
  readonly metadata: { readonly managedFields: readonly { readonly manager: string; readonly fieldsV1: object }[] };
  readonly webhooks: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}
const read = (kind: (typeof kinds)[number]) => cluster.admin.must<Configuration>('GET', pathOf(kind));
const readSecret = () => cluster.admin.must<{ data?: Record<string, string> }>('GET', secretPath);
const text = (base64 = '') => Buffer.from(base64, 'base64').toString();
const bundles = async (): Promise<readonly string[]> =>
  (await Promise.all(kinds.map(read))).flatMap(({ webhooks }) => webhooks.map((w) => text(w.clientConfig.caBundle)));
const storedBundle = async () => text((await readSecret()).data?.['ca.crt']);
const isPublished = async () => {
  const wanted = await storedBundle();
  return wanted !== '' && (await bundles()).every((bundle) => bundle === wanted);
};

const token = await unboundToken(cluster, namespace, 'kube-macvtap-webhook');
const kubeconfig = await cluster.writeKubeconfig('certificates', token);
const storeWith = (client: ApiClient) => createSecretStore({ client, namespace, name: secretName, keys: stateKeys });
const publisherWith = (client: ApiClient) =>
  createCaBundlePublisher({ client, configurations: kinds.map((kind) => ({ kind, name: configuration })) });

async function startReplica(options: Partial<RenewCertificateOptions> = {}) {
  await using scope = new AsyncDisposableStack();
  const client = scope.use(await openApiClient({ kubeconfig }));
  const kept = scope.use(
    await renewCertificate({
      store: storeWith(client),
      publisher: publisherWith(client),
      names: serviceNames({ name: 'kube-macvtap-webhook', namespace }),
      ...options,
    }),
  );
  const owned = scope.move();
  return { kept, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const reset = async () => {
  await cluster.admin.call('DELETE', secretPath);
  await cluster.admin.must('POST', `/api/v1/namespaces/${namespace}/secrets`, { body: emptySecret });
};
const { signal } = new AbortController();

describe('the certificate in a real cluster', () => {
  it('is made once by two replicas that start at the same moment, and every webhook gets its CA', async () => {
    await reset();
    const [one, other] = await Promise.all([startReplica(), startReplica()]);
    await using _one = one;
    await using _other = other;
    const serials = () => [one.kept.current?.serial, other.kept.current?.serial];
    await until(
      async () => ({ serials: serials(), published: await isPublished() }),
      ({ serials: [left, right], published }) => left !== undefined && left === right && published,
    );
    assert.deepEqual([one.kept.problems, other.kept.problems], [[], []]);
    assert.equal((await storedBundle()).split('BEGIN CERTIFICATE').length - 1, 1);
  });

  it('is published without changes to fields other than caBundle', async () => {
    for (const kind of kinds) {
      const { metadata, webhooks } = await read(kind);
      const { fieldsV1 } = metadata.managedFields.find(({ manager }) => manager === 'kube-macvtap-webhook') ?? {};
      const own = webhooks.map(({ name }) => [
        `k:${JSON.stringify({ name })}`,
        { 'f:clientConfig': { 'f:caBundle': {} } },
      ]);
      assert.deepEqual(fieldsV1, { 'f:webhooks': Object.fromEntries(own) });
    }
  });

  it('is published again when a configuration is recreated or emptied, or appears late', async () => {
    await using _replica = await startReplica();
    await until(isPublished, Boolean);
    for (const kind of kinds) await cluster.admin.must('DELETE', pathOf(kind));
    await apply(cluster, configurationObjects.slice(0, 1));
    await apply(cluster, configurationObjects);
    await until(isPublished, Boolean);
    const wipe = [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }];
    const contentType = 'application/json-patch+json';
    await cluster.admin.must('PATCH', pathOf('ValidatingWebhookConfiguration'), { body: wipe, contentType });
    await until(isPublished, Boolean);
  });

  it('is served while its Secret is missing, with an error that names the fix; then the replica stores a new one', async () => {
    await using replica = await startReplica();
    await until(isPublished, Boolean);
    const serial = replica.kept.current?.serial;
    await cluster.admin.must('DELETE', secretPath);
    const { problems } = await until(
      async () => replica.kept,
      (kept) => kept.problems.length > 0,
    );
    assert.match(
      problems[0]?.message ?? '',
      /^Secret .*kube-macvtap-webhook-tls does not exist, .*apply the chart again/,
    );
    assert.equal(replica.kept.current?.serial, serial);
    await cluster.admin.must('POST', `/api/v1/namespaces/${namespace}/secrets`, { body: emptySecret });
    await until(
      async () => Object.keys((await readSecret()).data ?? {}).length,
      (keys) => keys === stateKeys.length,
    );
    await until(isPublished, Boolean);
    assert.equal(replica.kept.current?.serial, serial);
  });

  it('is not written over a Secret that changed in the meantime', async () => {
    using client = await openApiClient({ kubeconfig });
    await reset();
    const store = storeWith(client);
    const found = await store.read(signal);
    assert.deepEqual(found?.data, {});
    assert.equal(await store.write({ 'tls.crt': 'a', 'next-tls.crt': 'b' }, found?.version, signal), 'written');
    assert.equal(await store.write({ 'tls.crt': 'c' }, found?.version, signal), 'conflict');
    const { data, version } = (await store.read(signal)) ?? {};
    assert.deepEqual(data, { 'tls.crt': 'a', 'next-tls.crt': 'b' });
    assert.equal(await store.write({ 'tls.crt': 'd' }, version, signal), 'written');
    assert.deepEqual((await store.read(signal))?.data, { 'tls.crt': 'd' }, 'what is not written is removed');
    await cluster.admin.must('DELETE', secretPath);
    assert.equal(await store.write({ 'tls.crt': 'e' }, version, signal), 'conflict');
    assert.equal(await store.read(signal), undefined);
    await reset();
  });

  it('is not written over a configuration that changed in the meantime', async () => {
    using client = await openApiClient({ kubeconfig });
    const before = await publisherWith(client).read(signal);
    const body = { metadata: { annotations: { touched: 'yes' } } };
    const contentType = 'application/merge-patch+json';
    await cluster.admin.must('PATCH', pathOf('MutatingWebhookConfiguration'), { body, contentType });
    assert.equal(await before.replace('another', signal), 'conflict');
    assert.notEqual((await publisherWith(client).read(signal)).version, before.version);
  });
});
