// SPDX-License-Identifier: Apache-2.0
// Tests the effects of flags on the app. The answers of the app have their own tests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../runtime/errors.ts';
import { readFlags } from '../runtime/read-flags.ts';
import { ManifestsDirectory } from '../test/fixtures/manifests-directory.ts';
import { keepCounts } from '../test/fixtures/webhook/keep-counts.ts';
import { keepLog } from '../test/fixtures/webhook/keep-log.ts';
import { codesOf, editsOf } from '../test/fixtures/webhook/review-stage.ts';
import type { AdmissionAnswer, AdmissionResponse } from './admission/admission-review.ts';
import { webhookLine } from './config.ts';
import { followOffers } from './review/live-offers.ts';
import { createReviewApp, memoryCalls, missingOf } from './run-webhook.ts';

const { signal } = new AbortController();
const source = { synced: true, confirmedMs: new Map(), faults: [] };
const certificate = { isLoaded: true };

test('a webhook with synced objects, current offers and a certificate is ready', () => {
  assert.deepEqual(missingOf({ source, offers: { problem: undefined }, certificate }, signal), []);
});

test('a webhook whose offers are older than the newest objects is not ready, with the reason', () => {
  const problem = new MacvtapError('Unexpected', 'a bug');
  assert.deepEqual(missingOf({ source, offers: { problem }, certificate }, signal), [
    'the offers could not be updated from the newest objects: a bug',
  ]);
});

const resource = 'macvtap.network.kubevirt.io/dataplane';
const resourceAnnotation = 'k8s.v1.cni.cncf.io/resourceName';
const files = {
  'tenant.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: tenant}\n',
  'policy.yaml': `apiVersion: macvtap.network.kubevirt.io/v1alpha1
kind: MacvtapNetworkNodePolicy
metadata: {name: p, namespace: macvtap-cni}
spec: {parentSelector: [{parentIface: bond1, mode: bridge, resourceName: dataplane}]}
`,
  'network.yaml': `apiVersion: k8s.cni.cncf.io/v1
kind: NetworkAttachmentDefinition
metadata: {name: default-net, namespace: multus, annotations: {${resourceAnnotation}: ${resource}}}
spec: {config: '{"type": "macvtap"}'}
`,
};

/** Returns the answer to a request about an object, from an app with these flags. */
async function ask(
  path: string,
  kind: string,
  object: object,
  ...flags: readonly string[]
): Promise<AdmissionResponse> {
  await using directory = await ManifestsDirectory.make(files);
  const parsed = readFlags(webhookLine, ['--source', `manifests:${directory.path}`, ...flags], {});
  assert.ok('values' in parsed);
  const { values: config } = parsed;
  await using source = await directory.open();
  using offers = followOffers({ source, onBug: assert.fail });
  const { recorder } = keepCounts();
  const { log } = keepLog();
  const app = createReviewApp({ config, source, offers, recorder, log, isStopping: () => false });
  const request = { uid: 'u', kind: { kind }, operation: 'CREATE', namespace: 'tenant', object };
  const answer = await app.inject({
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }),
  });
  return (JSON.parse(answer.body) as AdmissionAnswer).response;
}

test('--unknown-resource decides what happens to a network with an unknown resource', async () => {
  const object = {
    metadata: { name: 'net', annotations: { [resourceAnnotation]: `${resource}s` } },
    spec: { config: '{"type": "macvtap", "name": "net", "cniVersion": "1.0.0"}' },
  };
  const validate = (...flags: readonly string[]) =>
    ask('/validate/network-attachment-definitions', 'NetworkAttachmentDefinition', object, ...flags);
  assert.deepEqual(codesOf(await validate()), ['ResourceUnknown']);
  assert.match((await validate('--unknown-resource', 'Warn')).warnings?.[0] ?? '', /^ResourceUnknown /);
  assert.deepEqual(await validate('--unknown-resource', 'Allow'), { uid: 'u', allowed: true });
});

test("--multus-namespace is the namespace in which a pod's default network is looked up", async () => {
  const annotations = { 'v1.multus-cni.io/default-network': 'default-net' };
  const object = { metadata: { name: 'vm', annotations }, spec: { containers: [{ name: 'a' }] } };
  const mutate = (...flags: readonly string[]) => ask('/mutate/pods', 'Pod', object, ...flags);
  assert.match(JSON.stringify(editsOf(await mutate('--multus-namespace', 'multus'))), /dataplane":"1"/);
  const elsewhere = await mutate();
  assert.deepEqual(editsOf(elsewhere), []);
  assert.match(elsewhere.warnings?.[0] ?? '', /^NetworkMissing .*kube-system\/default-net/);
});

test('--namespace is the namespace in which policies take effect', async () => {
  const object = {
    metadata: { name: 'p' },
    spec: { parentSelector: [{ parentIface: 'eth1', mode: 'bridge' }] },
  };
  const validate = (...flags: readonly string[]) =>
    ask('/validate/macvtapnetworknodepolicies', 'MacvtapNetworkNodePolicy', object, ...flags);
  assert.deepEqual(codesOf(await validate()), ['PolicyOutsideNamespace']);
  assert.deepEqual(codesOf(await validate('--namespace', 'tenant')), []);
});

test('memory is returned with functions of the C library', () => {
  const { malloc_trim, madvise } = memoryCalls();
  assert.ok([0, 1].includes(malloc_trim(0)));
  const dontNeed = 4;
  assert.equal(madvise(0, 0, dontNeed), 0);
  assert.equal(madvise(1, 1, dontNeed), -1, 'the address is not that of a page');
});
