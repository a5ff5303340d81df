// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { makeNamespace } from './install.ts';
import { untilInForce, webhookOfFile } from './webhook-of-file.ts';

// Runs the webhook with an API server that stops and starts again.
const cluster = await webhookOfFile();
await makeNamespace(cluster, 'tenant');

const policies = '/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/macvtap-cni/macvtapnetworknodepolicies';
const networks = '/apis/k8s.cni.cncf.io/v1/namespaces/tenant/network-attachment-definitions';
const policy = (resourceName: string, mode: string) => ({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: resourceName },
  spec: { parentSelector: [{ parentIface: 'eth0', mode, resourceName }], nodeSelector: { matchLabels: { a: 'b' } } },
});
/** After several failures in a row, a watch starts again after up to half a minute (backOffMs in api-errors.ts). */
const watchGuardMs = 90_000;

/** Creates a network of the resource in a dry run. Returns the network's mode, or the error. */
async function askFor(resource: string): Promise<string> {
  const { status, body } = await cluster.admin.call('POST', `${networks}?dryRun=All`, {
    body: {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: {
        name: 'n',
        annotations: { 'k8s.v1.cni.cncf.io/resourceName': `macvtap.network.kubevirt.io/${resource}` },
      },
      spec: { config: '{"type":"macvtap"}' },
    },
  });
  if (status !== 201) return (body as { message: string }).message;
  return JSON.parse((body as { spec: { config: string } }).spec.config).mode;
}

await cluster.admin.must('POST', policies, { body: policy('first', 'private') });

describe('the webhook', () => {
  it('answers from its cache, and learns of new objects, after the API server was restarted', async () => {
    await cluster.restartApiServer();
    await untilInForce(cluster);
    assert.ok(await cluster.webhook.isReady());
    assert.equal(await askFor('first'), 'private');
    await cluster.admin.must('POST', policies, { body: policy('second', 'vepa') });
    assert.equal(await askFor('second'), 'vepa');
  });

  it('forgets objects that were deleted while no watch ran: etcd was compacted, and watches end with 410', async () => {
    await cluster.stopApiServer();
    await cluster.etcd.remove('/registry/macvtap.network.kubevirt.io/macvtapnetworknodepolicies/macvtap-cni/first');
    await cluster.etcd.compact();
    await cluster.restartApiServer();
    await untilInForce(cluster);
    await until(
      () => askFor('first'),
      (text) => /denied the request: ResourceUnknown /.test(text),
      watchGuardMs,
    );
    assert.equal(await askFor('second'), 'vepa');
  });

  it('stays ready while the API server is down, and answers from its cache', async () => {
    await cluster.stopApiServer();
    await until(
      async () => cluster.webhook.process.output,
      (output) => /"level":"warn".*newer objects are unknown/.test(output),
    );
    assert.ok(await cluster.webhook.isReady());
    await cluster.restartApiServer();
    await untilInForce(cluster);
    await cluster.admin.must('DELETE', `${policies}/second`);
    await until(
      () => askFor('second'),
      (text) => /ResourceUnknown/.test(text),
      watchGuardMs,
    );
  });

  it('ends normally when it is asked to', async () => {
    assert.deepEqual(await cluster.webhook.process.stop(), { code: 0, signal: null });
  });
});
