// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, makeNamespace, makeNode } from './install.ts';
import { playService } from './play-service.ts';
import { publishedBundles, servedSerial } from './served-certificate.ts';
import { isWebhookConfiguration, shippedObjects } from './shipped-objects.ts';
import { startWebhook } from './start-webhook.ts';
import { readWebhookCounters } from './webhook-counters.ts';
import { untilInForce } from './webhook-of-file.ts';
import { startWriteLoad } from './write-load.ts';

// Certificates live for less than a minute, and two replicas keep them in one Secret. The replicas make a new pair
// every six seconds, and use it three seconds after they published its CA. The old pair stays valid for another half a
// minute, so that a busy machine does not fail the test.
const flags = ['--certificate-lifetime', '40s', '--certificate-renew-before', '34s', '--certificate-overlap', '3s'];

const secret = '/api/v1/namespaces/macvtap-cni/secrets/kube-macvtap-webhook-tls';
const merge = { contentType: 'application/merge-patch+json' };

const cluster = await clusterOfFile();
await makeNamespace(cluster, 'tenant');
await makeNode(cluster, 'control-plane');
const service = cluster.use(await playService(cluster));
const configurations = shippedObjects().filter(isWebhookConfiguration);
await apply(cluster, configurations);
const replicas = await Promise.all([startWebhook(cluster, { flags }), startWebhook(cluster, { flags })]);
for (const replica of replicas) cluster.use(replica);
service.targets = replicas.map(({ port }) => port);
await untilInForce(cluster);
await cluster.admin.must(
  'POST',
  '/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/macvtap-cni/macvtapnetworknodepolicies',
  {
    body: {
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
      kind: 'MacvtapNetworkNodePolicy',
      metadata: { name: 'p' },
      spec: {
        parentSelector: [{ parentIface: 'eth0', resourceName: 'dataplane' }],
        nodeSelector: { matchLabels: { a: 'b' } },
      },
    },
  },
);

const serialsNow = async () => {
  const [bundle = ''] = await publishedBundles(cluster);
  return await Promise.all(replicas.map(({ port }) => servedSerial(port, bundle)));
};
/** One replica sees a new pair a moment before the other one does. Waits until both serve the same pair. */
const settled = () => until(serialsNow, ([one, other]) => one === other);

after(() => {
  if (process.exitCode) for (const { process: running } of replicas) console.error(running.output);
});

describe('two replicas that start at once with an empty Secret', () => {
  it('show one certificate, which is in the Secret, and publish one bundle everywhere', async () => {
    const [serial] = await settled();
    const { data } = await cluster.admin.must<{ data: Readonly<Record<string, string>> }>('GET', secret);
    assert.match(Buffer.from(data['tls.crt'] ?? '', 'base64').toString(), /BEGIN CERTIFICATE/);
    const bundles = await publishedBundles(cluster);
    assert.equal(bundles.length, 7);
    assert.equal(new Set(bundles).size, 1);
    assert.ok(serial);
  });
});

describe('three rotations while objects are being written', () => {
  it('cause no error: each webhook call succeeds, and each new connection is verified', {
    timeout: 180_000,
  }, async (t) => {
    const before = await readWebhookCounters(cluster);
    const serials = new Set<string>();
    const disbelieved: string[] = [];
    const load = startWriteLoad(cluster, 'tenant', 'macvtap.network.kubevirt.io/dataplane');
    const started = performance.now();
    const over = AbortSignal.timeout(150_000);
    while (serials.size < 4 && !over.aborted) {
      const served = await serialsNow().catch((error: Error) => void disbelieved.push(error.message));
      for (const serial of served ?? []) serials.add(serial);
      await sleep(50);
    }
    const seconds = (performance.now() - started) / 1_000;
    await load.stop();
    const rate = Math.round(load.written / seconds);
    t.diagnostic(`${serials.size - 1} rotations in ${seconds.toFixed(1)} s, ${load.written} writes, ${rate} a second`);
    assert.deepEqual({ failures: load.failures, disbelieved }, { failures: [], disbelieved: [] });
    assert.deepEqual(await readWebhookCounters(cluster), before);
    assert.ok(serials.size >= 4, `${serials.size - 1} rotations were seen`);
    // With fewer writes, most of the time around a rotation would be without a webhook call.
    assert.ok(load.written >= 100, `only ${load.written} writes were made`);
  });

  it('leave only unexpired CAs in the bundle', async () => {
    const authorities = async (): Promise<readonly string[]> => {
      const [bundle = ''] = await publishedBundles(cluster);
      return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    };
    // Each certificate lives for 40 seconds. Waits until the current ones have expired and been replaced.
    const now = await authorities();
    assert.ok(now.length > 0);
    const lastEnd = Math.max(...now.map((pem) => new X509Certificate(pem).validToDate.getTime()));
    await sleep(lastEnd - Date.now());
    await until(authorities, (later) => later.length > 0 && later.every((pem) => !now.includes(pem)));
  });
});

describe('manual changes to the certificates', () => {
  const isWhole = async () => {
    const { status, body } = await cluster.admin.call('GET', secret);
    const { data = {} } = body as { data?: Readonly<Record<string, string>> };
    const text = Buffer.from(data['tls.crt'] ?? '', 'base64').toString();
    return status === 200 && text.includes('BEGIN CERTIFICATE');
  };
  const bundlesAreWhole = async () =>
    (await publishedBundles(cluster)).every((bundle) => bundle.includes('BEGIN CERTIFICATE'));

  it('that delete the Secret interrupt nothing; an empty Secret in its place is filled again', async () => {
    const before = await readWebhookCounters(cluster);
    const load = startWriteLoad(cluster, 'tenant', 'macvtap.network.kubevirt.io/dataplane');
    await cluster.admin.must('DELETE', secret);
    await until(
      async () => load.written,
      (written) => written > 100,
    );
    for (const replica of replicas) assert.ok(await replica.isReady());
    await apply(
      cluster,
      shippedObjects().filter(({ kind }) => kind === 'Secret'),
    );
    await until(isWhole, (whole) => whole);
    await settled();
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.deepEqual(await readWebhookCounters(cluster), before);
  });

  it('that write invalid data into the Secret interrupt nothing', async () => {
    const before = await readWebhookCounters(cluster);
    const load = startWriteLoad(cluster, 'tenant', 'macvtap.network.kubevirt.io/dataplane');
    const rubbish = Buffer.from('rubbish').toString('base64');
    await cluster.admin.must('PATCH', secret, { body: { data: { 'tls.crt': rubbish, 'ca.crt': rubbish } }, ...merge });
    await until(isWhole, (whole) => whole);
    await settled();
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.deepEqual(await readWebhookCounters(cluster), before);
  });

  it('that apply the configurations without a caBundle are corrected: the caBundle is written again', async () => {
    await cluster.mustKubectl(
      ['replace', '-f', '-'],
      configurations.map((object) => JSON.stringify(object)).join('\n---\n'),
    );
    await until(bundlesAreWhole, (whole) => whole);
    await untilInForce(cluster);
  });

  it('that stop one replica leave the other one working', async () => {
    const [first, second] = replicas;
    service.targets = [second.port];
    await first[Symbol.asyncDispose]();
    const load = startWriteLoad(cluster, 'tenant', 'macvtap.network.kubevirt.io/dataplane');
    await until(
      async () => load.written,
      (written) => written > 100,
    );
    await load.stop();
    assert.deepEqual(load.failures, []);
  });

  it("that stop both replicas appear in the API server's counters", async () => {
    const before = await readWebhookCounters(cluster);
    for (const replica of replicas) await replica[Symbol.asyncDispose]();
    const load = startWriteLoad(cluster, 'tenant', 'macvtap.network.kubevirt.io/dataplane');
    await until(
      readCounters,
      ({ failedOpen, callErrors }) => failedOpen > before.failedOpen && callErrors > before.callErrors,
    );
    await load.stop();
    assert.notDeepEqual(load.failures, []);
  });
});

function readCounters() {
  return readWebhookCounters(cluster);
}
