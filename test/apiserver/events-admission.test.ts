// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installationNamespace, makeNamespace, makeNode } from './install.ts';
import { podToken, unboundToken } from './pod-token.ts';

// An admission policy restricts whose events the programs may write. Their RBAC rules would permit changes to all
// events.
const cluster = await clusterOfFile();
for (const node of ['h1', 'h2']) await makeNode(cluster, node);
await makeNamespace(cluster, 'vms');

const clientOf = async (serviceAccount: string) =>
  cluster.clientFor(await podToken(cluster, { namespace: installationNamespace, serviceAccount, node: 'h1' }));
const plugin = await clientOf('kube-macvtap-nodeplugin');
const webhook = await clientOf('kube-macvtap-webhook');
const unbound = cluster.clientFor(await unboundToken(cluster, installationNamespace, 'kube-macvtap-nodeplugin'));

const path = '/api/v1/namespaces/vms/events';
const eventOf = (name: string, reportingComponent: string | undefined, reportingInstance: string) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: 'vms' },
  involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace: 'vms', name: 'a' },
  reason: 'AttachFailed',
  message: 'text',
  type: 'Warning',
  ...(reportingComponent !== undefined && { reportingComponent }),
  reportingInstance,
});
const ofH1 = (name: string) => eventOf(name, 'kube-macvtap-nodeplugin', 'h1');
const ofH2 = (name: string) => eventOf(name, 'kube-macvtap-nodeplugin', 'h2');
const patch = { body: { message: 'another' }, contentType: 'application/merge-patch+json' };

// The API server enforces a new policy a moment after it is stored.
await until(
  async () => (await plugin.call('POST', `${path}?dryRun=All`, { body: ofH2('probe') })).status,
  (status) => status === 403,
);

describe('an event', () => {
  it('about its own objects can be written and changed by a node plugin and by the webhook', async () => {
    await plugin.must('POST', path, { body: ofH1('own') });
    await plugin.must('PATCH', `${path}/own`, patch);
    await webhook.must('POST', path, { body: eventOf('webhooks', 'kube-macvtap-webhook', 'a-pod') });
    await webhook.must('PATCH', `${path}/webhooks`, patch);
  });

  it('of another program or node is refused, as is an update that turns an event into one', async () => {
    await cluster.admin.must('POST', path, { body: eventOf('kubelets', 'kubelet', 'h1') });
    await cluster.admin.must('POST', path, { body: ofH2('of-h2') });
    const claim = { ...patch, body: { reportingInstance: 'h1', reportingComponent: 'kube-macvtap-nodeplugin' } };
    const tries = [
      plugin.call('POST', path, { body: ofH2('a') }),
      plugin.call('POST', path, { body: eventOf('b', 'kubelet', 'h1') }),
      plugin.call('POST', path, { body: eventOf('c', undefined, 'h1') }),
      plugin.call('POST', path, { body: eventOf('d', 'kube-macvtap-webhook', 'h1') }),
      plugin.call('PATCH', `${path}/kubelets`, patch),
      plugin.call('PATCH', `${path}/kubelets`, claim),
      plugin.call('PATCH', `${path}/of-h2`, claim),
      plugin.call('PATCH', `${path}/own`, { ...patch, body: { reportingInstance: 'h2' } }),
      webhook.call('POST', path, { body: ofH1('e') }),
      webhook.call('PATCH', `${path}/kubelets`, patch),
      unbound.call('POST', path, { body: ofH1('f') }),
    ];
    const answers = await Promise.all(tries);
    assert.deepEqual(
      answers.map(({ status, body }) => [status, (body as { message: string }).message.includes('writes only events')]),
      tries.map(() => [403, true]),
    );
  });

  it('of other users is not restricted', async () => {
    await cluster.admin.must('POST', path, { body: eventOf('else', 'kubelet', 'h9') });
    await cluster.admin.must('PATCH', `${path}/else`, patch);
  });
});
