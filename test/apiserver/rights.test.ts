// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace, makeNamespace, makeNode } from './install.ts';
import { podToken } from './pod-token.ts';
import { isWebhookConfiguration, shippedObjects } from './shipped-objects.ts';

// Tests the rights of the two service accounts by requests that change nothing. Any answer other than 403 means that a
// right is granted.
const cluster = await clusterOfFile();
await apply(cluster, shippedObjects().filter(isWebhookConfiguration));
await makeNode(cluster, 'h1');
await makeNamespace(cluster, 'tenant');

const core = '/api/v1';
const ours = `${core}/namespaces/${installationNamespace}`;
const kinds = '/apis/macvtap.network.kubevirt.io/v1alpha1';
const leases = `/apis/coordination.k8s.io/v1/namespaces/${installationNamespace}/leases`;
const webhooks = '/apis/admissionregistration.k8s.io/v1';
const own = 'webhook.macvtap.network.kubevirt.io';
const named = (name: string) => `?fieldSelector=metadata.name%3D${name}&timeoutSeconds=1`;

type Request = `${'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'WATCH'} /${string}`;

const table = {
  'kube-macvtap-nodeplugin': {
    may: [
      `GET ${core}/nodes/h1`,
      `WATCH ${core}/nodes${named('h1')}`,
      `GET ${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies`,
      `WATCH ${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies?timeoutSeconds=1`,
      `PATCH ${kinds}/macvtapnetworknodestates/h1/status`,
      `WATCH ${ours}/configmaps${named('macvtap-deviceplugin-config')}`,
      `GET ${core}/namespaces/tenant/pods/virt-launcher-db-x7k2p`,
      `GET ${core}/namespaces/tenant`,
      `GET ${core}/namespaces/tenant/pods`,
      `WATCH ${core}/namespaces/tenant/pods?timeoutSeconds=1`,
      `POST ${core}/namespaces/tenant/events`,
      `PATCH ${core}/namespaces/default/events/h1.5f1d2c3b4a596877`,
    ],
    mayNot: [
      `GET ${core}/events`,
      `GET ${core}/namespaces/tenant/events/a`,
      `DELETE ${core}/namespaces/tenant/events/a`,
      `GET ${kinds}/macvtapnetworknodestates`,
      `GET ${ours}/configmaps/macvtap-deviceplugin-config`,
      `PATCH ${core}/nodes/h1`,
      `PATCH ${core}/nodes/h1/status`,
      `GET ${core}/namespaces`,
      `WATCH ${core}/namespaces?timeoutSeconds=1`,
      `PATCH ${core}/namespaces/tenant`,
      `PATCH ${core}/namespaces/tenant/pods/a`,
      `DELETE ${core}/namespaces/tenant/pods/a`,
      `GET ${ours}/secrets`,
      `GET ${ours}/secrets/kube-macvtap-webhook-tls`,
      `GET ${ours}/configmaps`,
      `GET ${ours}/configmaps/other`,
      `PATCH ${ours}/configmaps/macvtap-deviceplugin-config`,
      `GET ${kinds}/namespaces/tenant/macvtapnetworknodepolicies`,
      `PATCH ${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies/p`,
      `PATCH ${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies/p/status`,
      `DELETE ${kinds}/macvtapnetworknodestates/h1`,
      `PATCH ${webhooks}/mutatingwebhookconfigurations/${own}`,
    ],
  },
  'kube-macvtap-webhook': {
    may: [
      `WATCH ${core}/nodes?timeoutSeconds=1`,
      `WATCH ${core}/namespaces?timeoutSeconds=1`,
      `GET ${core}/namespaces/tenant`,
      '/apis/k8s.cni.cncf.io/v1/network-attachment-definitions',
      '/apis/k8s.cni.cncf.io/v1/namespaces/tenant/network-attachment-definitions/n',
      `${kinds}/macvtapnetworknodestates`,
      `${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies`,
      `${ours}/secrets/kube-macvtap-webhook-tls`,
      `${webhooks}/mutatingwebhookconfigurations/${own}`,
    ]
      .map((request): Request => (request.startsWith('/') ? `GET ${request as '/'}` : (request as Request)))
      .concat([
        `WATCH ${ours}/secrets${named('kube-macvtap-webhook-tls')}`,
        `WATCH ${ours}/configmaps${named('macvtap-deviceplugin-config')}`,
        `PATCH ${ours}/secrets/kube-macvtap-webhook-tls`,
        `POST ${core}/namespaces/tenant/events`,
        `PATCH ${ours}/events/p.5f1d2c3b4a596877`,
        `WATCH ${kinds}/macvtapnetworknodepolicies?timeoutSeconds=1`,
        `PATCH ${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies/p/status`,
        `PATCH ${kinds}/namespaces/tenant/macvtapnetworknodepolicies/p/status`,
        `GET ${leases}/kube-macvtap-webhook`,
        `PATCH ${leases}/kube-macvtap-webhook`,
        `WATCH ${leases}${named('kube-macvtap-webhook')}`,
        `PATCH ${webhooks}/validatingwebhookconfigurations/${own}`,
        `WATCH ${webhooks}/validatingwebhookconfigurations${named(own)}`,
      ]),
    mayNot: [
      `PUT ${ours}/secrets/kube-macvtap-webhook-tls`,
      `PUT ${webhooks}/mutatingwebhookconfigurations/${own}`,
      `GET ${ours}/configmaps/macvtap-deviceplugin-config`,
      `POST ${ours}/secrets`,
      `PUT ${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies/p/status`,
      `POST ${leases}`,
      `GET ${leases}`,
      `PATCH ${leases}/other`,
      `DELETE ${leases}/kube-macvtap-webhook`,
      `GET ${ours}/secrets`,
      `GET ${ours}/secrets/other`,
      `PATCH ${ours}/secrets/other`,
      `DELETE ${ours}/secrets/kube-macvtap-webhook-tls`,
      `GET ${core}/namespaces/tenant/secrets/kube-macvtap-webhook-tls`,
      `GET ${core}/pods`,
      `GET ${core}/events`,
      `GET ${ours}/events/a`,
      `DELETE ${ours}/events/a`,
      `GET ${ours}/configmaps`,
      `PATCH ${core}/nodes/h1`,
      `PATCH ${core}/namespaces/tenant`,
      `GET ${webhooks}/mutatingwebhookconfigurations`,
      `PATCH ${webhooks}/mutatingwebhookconfigurations/other`,
      `DELETE ${webhooks}/validatingwebhookconfigurations/${own}`,
      `PATCH ${kinds}/macvtapnetworknodestates/h1/status`,
      'PATCH /apis/k8s.cni.cncf.io/v1/namespaces/tenant/network-attachment-definitions/n',
      `PATCH ${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies/p`,
    ],
  },
} as const satisfies Record<string, { readonly may: readonly Request[]; readonly mayNot: readonly Request[] }>;

for (const [serviceAccount, { may, mayNot }] of Object.entries(table)) {
  describe(serviceAccount, async () => {
    const options = { namespace: installationNamespace, serviceAccount, node: 'h1' };
    const client = cluster.clientFor(await podToken(cluster, options));
    const ask = async (request: Request) => {
      const [verb = '', path = ''] = request.split(' ');
      if (verb === 'WATCH') return (await client.call('GET', `${path}&watch=1`)).status;
      const separator = path.includes('?') ? '&' : '?';
      const dryRun = verb === 'GET' ? path : `${path}${separator}dryRun=All`;
      const options = verb === 'GET' || verb === 'DELETE' ? {} : { body: {}, contentType: contentTypeOf(verb) };
      return (await client.call(verb, dryRun, options)).status;
    };
    for (const request of may) it(`may ${request}`, async () => assert.notEqual(await ask(request), 403));
    for (const request of mayNot) it(`may not ${request}`, async () => assert.equal(await ask(request), 403));
  });
}

function contentTypeOf(verb: string): string {
  return verb === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
}
