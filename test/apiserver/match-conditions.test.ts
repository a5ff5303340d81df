// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiAnswer } from '../control-plane/api-client.ts';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace, makeNamespace, makeServiceAccount } from './install.ts';
import { playService } from './play-service.ts';
import { startRecordingWebhook } from './recording-webhook.ts';
import { isWebhookConfiguration, shippedObjects, trusting } from './shipped-objects.ts';

// The webhook configurations of the chart decide which objects the API server sends. A webhook that records and allows
// everything shows which ones arrive. The last tests show what still works when the webhook does not answer.
const cluster = await clusterOfFile();
await makeNamespace(cluster, 'tenant');
await makeServiceAccount(cluster, 'kube-system', 'default');
const recorder = cluster.use(await startRecordingWebhook());
cluster.use(await playService(cluster, [recorder.port]));
await apply(
  cluster,
  shippedObjects()
    .filter(isWebhookConfiguration)
    .map((object) => trusting(object, recorder.caBundle)),
);

const networks = (namespace = 'tenant') =>
  `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions`;
const policies = (namespace = installationNamespace) =>
  `/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/${namespace}/macvtapnetworknodepolicies`;
const pods = (namespace = 'tenant') => `/api/v1/namespaces/${namespace}/pods`;

const network = (name: string, spec: unknown, metadata: object = {}) => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name, ...metadata },
  ...(spec !== undefined && { spec }),
});
const policy = (name: string, metadata: object = {}) => ({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name, ...metadata },
  spec: { parentSelector: [{ parentIface: 'eth0' }] },
});
const container = (resources?: object) => ({ name: 'c', image: 'localhost/c', ...(resources && { resources }) });
const device = { limits: { 'macvtap.network.kubevirt.io/dataplane': '1' } };
const pod = (name: string, { annotations, spec }: { annotations?: object; spec?: object } = {}) => ({
  metadata: { name, ...(annotations && { annotations }) },
  spec: { containers: [container()], ...spec },
});
const merge = { contentType: 'application/merge-patch+json' };

/**
 * The configurations take effect some time after they are stored. The network, the policy and the pod match every
 * webhook, so six requests arrive once all webhooks are in effect.
 */
await until(
  async () => {
    recorder.take();
    const name = `probe-${crypto.randomUUID()}`;
    await cluster.admin.call('POST', `${networks()}?dryRun=All`, {
      body: network(name, { config: '{"type":"macvtap"}' }),
    });
    await cluster.admin.call('POST', `${policies()}?dryRun=All`, { body: policy(name) });
    const annotations = { 'k8s.v1.cni.cncf.io/networks': 'a' };
    const body = pod(name, { annotations, spec: { containers: [container(device)] } });
    await cluster.admin.call('POST', `${pods()}?dryRun=All`, { body });
    return recorder.take().map(({ path }) => path);
  },
  (paths) => paths.length === 6,
);

/**
 * Returns the paths of requests since the last call, without duplicates. A request is duplicated if the API server's
 * cached object is outdated: the server then repeats the admission of an update with the current object.
 */
const sentOnce = () => [...new Set(recorder.take().map((review) => review.path))];

/** Returns the paths at which the webhook received an object that was POSTed. */
async function sentFor(path: string, body: unknown, expected = 201): Promise<readonly string[]> {
  recorder.take();
  const { status, body: answer } = await cluster.admin.call('POST', path, { body });
  assert.equal(status, expected, JSON.stringify(answer));
  return recorder.take().map((review) => review.path);
}

describe('a NetworkAttachmentDefinition', () => {
  const both = ['/mutate/network-attachment-definitions', '/validate/network-attachment-definitions'];
  const configs: readonly [title: string, spec: unknown, sent: readonly string[]][] = [
    ['of type macvtap', { config: '{"cniVersion":"0.3.1","type":"macvtap"}' }, both],
    ['with macvtap in a list of plugins', { config: '{"plugins":[{"type":"macvtap"}]}' }, both],
    ['with an escaped letter', { config: '{"type":"mac\\u0076tap"}' }, both],
    ['with an escaped letter in another case', { config: '{"type":"\\u006Dacvtap"}' }, both],
    ['of type macvtap that is not JSON', { config: '{"type":"macvtap"' }, both],
    ['with a second type in capitals', { config: '{"type":"bridge","TYPE":"macvtap"}' }, both],
    ['with a second type whose key is escaped', { config: '{"type":"bridge","\\u0054ype":"macvtap"}' }, both],
    ['with a second type that is escaped', { config: '{"type":"bridge","Type":"\\u006d\\u0061cvtap"}' }, both],
    ['with plugins in capitals', { config: '{"PLUGINS":[{"type":"macvtap"}]}' }, both],
    ['of another type', { config: '{"type":"bridge","name":"C:\\\\net"}' }, []],
    ['with an empty config', { config: '' }, []],
    ['without a config', {}, []],
    ['without a spec', undefined, []],
  ];
  for (const [at, [title, spec, sent]] of configs.entries()) {
    it(`${title} is ${sent.length > 0 ? 'sent' : 'not sent'}`, async () => {
      assert.deepEqual(await sentFor(networks(), network(`n${at}`, spec)), sent);
    });
  }

  const annotated: readonly [title: string, spec: unknown, resource: string, sent: readonly string[]][] = [
    ['no config and a macvtap resource', undefined, 'macvtap.network.kubevirt.io/a', both.slice(1)],
    ['a broken config and a macvtap resource', { config: '{"type":' }, 'macvtap.network.kubevirt.io/a', both.slice(1)],
    ["a broken config and another vendor's resource", { config: '{"type":' }, 'example.com/a', []],
  ];
  for (const [at, [title, spec, resource, sent]] of annotated.entries()) {
    it(`with ${title} is ${sent.length > 0 ? 'sent for review' : 'not sent'}`, async () => {
      const annotations = { 'k8s.v1.cni.cncf.io/resourceName': resource };
      assert.deepEqual(await sentFor(networks(), network(`annotated-${at}`, spec, { annotations })), sent);
    });
  }

  for (const [title, spec] of [
    ['a number for a config', { config: 5 }],
    ['a list for a config', { config: ['macvtap'] }],
    ['a string for a spec', 'macvtap'],
    ['a list for a spec', []],
  ] as const) {
    it(`with ${title} is refused by its schema, with the schema's message`, async () => {
      const { status, body } = await cluster.admin.call('POST', networks(), { body: network('broken', spec) });
      assert.equal(status, 422);
      assert.match((body as { message: string }).message, /must be of type/);
    });
  }

  it('with null as config or spec is reviewed like one without it', async () => {
    for (const spec of [null, { config: null }]) {
      const { status, body } = await cluster.admin.call('POST', networks(), { body: network('null', spec) });
      assert.ok(
        status === 201 || (status === 422 && /must be of type/.test(JSON.stringify(body))),
        JSON.stringify(body),
      );
      await cluster.admin.call('DELETE', `${networks()}/null`);
    }
  });

  it('is sent from every namespace, because pods elsewhere can use it', async () => {
    const config = '{"type":"macvtap"}';
    for (const namespace of ['kube-system', installationNamespace]) {
      assert.deepEqual(await sentFor(networks(namespace), network('n', { config })), both);
    }
  });

  it('is sent when it changes, but not when it is deleted or loses its last finalizer', async () => {
    const path = `${networks()}/leaving`;
    const finalizers = ['example.com/wait'];
    await sentFor(networks(), network('leaving', { config: '{"type":"macvtap"}' }, { finalizers }));
    await cluster.admin.must('PATCH', path, { body: { metadata: { labels: { a: 'b' } } }, ...merge });
    assert.deepEqual(sentOnce(), both);
    await cluster.admin.must('DELETE', path);
    await cluster.admin.must('PATCH', path, { body: { metadata: { finalizers: null } }, ...merge });
    assert.deepEqual(recorder.take(), []);
    assert.equal((await cluster.admin.call('GET', path)).status, 404);
  });
});

describe('a pod', () => {
  const networksOf = { annotations: { 'k8s.v1.cni.cncf.io/networks': 'a' } };
  const cases: readonly [title: string, body: (name: string) => object, sent: readonly string[]][] = [
    ['without networks and devices', (name) => pod(name), []],
    ['with annotations of other programs', (name) => pod(name, { annotations: { a: 'b' } }), []],
    ['with other resources', (name) => pod(name, { spec: { containers: [container({ limits: { cpu: '1' } })] } }), []],
    ['with only requests', (name) => pod(name, { spec: { containers: [container({ requests: { cpu: '1' } })] } }), []],
    ['with networks', (name) => pod(name, networksOf), ['/mutate/pods']],
    [
      'with networks whose keys are ambiguous',
      (name) => pod(name, { annotations: { 'k8s.v1.cni.cncf.io/networks': '[{"name":"b","NAME":"a"}]' } }),
      ['/mutate/pods'],
    ],
    [
      'with a default network',
      (name) => pod(name, { annotations: { 'v1.multus-cni.io/default-network': 'a' } }),
      ['/mutate/pods'],
    ],
    [
      'with a device',
      (name) => pod(name, { spec: { containers: [container(), { ...container(device), name: 'd' }] } }),
      ['/validate/pods'],
    ],
    [
      'with a device in an init container',
      (name) => pod(name, { spec: { initContainers: [{ ...container(device), name: 'i' }] } }),
      ['/validate/pods'],
    ],
    [
      'with networks and a device',
      (name) => pod(name, { ...networksOf, spec: { containers: [container(device)] } }),
      ['/mutate/pods', '/validate/pods'],
    ],
    [
      'with a resource that only resembles a macvtap resource',
      (name) => pod(name, { spec: { containers: [container({ limits: { 'xmacvtap.network.kubevirt.io/a': '1' } })] } }),
      [],
    ],
  ];
  for (const [at, [title, body, sent]] of cases.entries()) {
    it(`${title} is ${sent.length > 0 ? `sent to ${sent.join(' and ')}` : 'not sent'}`, async () => {
      assert.deepEqual(await sentFor(pods(), body(`p${at}`)), sent);
    });
  }

  it('of the control plane or the installation is not sent, whatever resources it requests', async () => {
    const body = pod('p', { ...networksOf, spec: { containers: [container(device)] } });
    for (const namespace of ['kube-system', installationNamespace]) {
      assert.deepEqual(await sentFor(pods(namespace), body), []);
    }
  });

  it('without containers, or with null for them, is refused by the API server with its own message', async () => {
    for (const containers of [undefined, null, []]) {
      const body = { metadata: { name: 'empty', ...networksOf }, spec: { containers } };
      const { status, body: answer } = await cluster.admin.call('POST', pods(), { body });
      assert.equal(status, 422);
      assert.match((answer as { message: string }).message, /spec\.containers: Required value/);
    }
  });

  it('that requests a device without a limit is refused by the API server, so reviews need to consider only limits', async () => {
    const body = pod('requests', { spec: { containers: [container({ requests: device.limits })] } });
    const { status, body: answer } = await cluster.admin.call('POST', pods(), { body });
    assert.equal(status, 422);
    assert.match((answer as { message: string }).message, /Limit must be set/);
  });
});

describe('a policy', () => {
  const both = ['/mutate/macvtapnetworknodepolicies', '/validate/macvtapnetworknodepolicies'];
  const path = `${policies()}/p`;

  it('is sent from every namespace', async () => {
    assert.deepEqual(await sentFor(policies(), policy('p', { finalizers: ['example.com/wait'] })), both);
    assert.deepEqual(await sentFor(policies('tenant'), policy('p')), both);
  });

  it('is sent when its spec changes, and not when only other parts change', async () => {
    await cluster.admin.must('PATCH', path, { body: { metadata: { labels: { a: 'b' } } }, ...merge });
    await cluster.admin.must('PATCH', `${path}/status`, { body: { status: { matchedNodes: 1 } }, ...merge });
    assert.deepEqual(recorder.take(), []);
    await cluster.admin.must('PATCH', path, { body: { spec: { priority: 5 } }, ...merge });
    assert.deepEqual(sentOnce(), both);
  });

  it('is sent once when it is deleted, and not when its finalizers are removed', async () => {
    await cluster.admin.must('DELETE', path);
    assert.deepEqual(recorder.take(), [{ path: both[1], operation: 'DELETE', name: 'p' }]);
    await cluster.admin.must('PATCH', path, { body: { metadata: { finalizers: null } }, ...merge });
    assert.deepEqual(recorder.take(), []);
    assert.equal((await cluster.admin.call('GET', path)).status, 404);
  });
});

describe('while the webhook does not answer', async () => {
  const config = '{"type":"macvtap"}';
  const networksOf = { annotations: { 'k8s.v1.cni.cncf.io/networks': 'a' } };
  const refused = ({ status, body }: ApiAnswer) => {
    assert.equal(status, 500);
    assert.match((body as { message: string }).message, /failed calling webhook/);
  };

  it('objects unrelated to macvtap are created and changed', async () => {
    await cluster.admin.must('POST', networks(), {
      body: network('before', { config }, { finalizers: ['example.com/wait'] }),
    });
    await cluster.admin.must('POST', policies(), { body: policy('before', { finalizers: ['example.com/wait'] }) });
    await recorder[Symbol.asyncDispose]();
    await cluster.admin.must('POST', networks(), { body: network('bridge', { config: '{"type":"bridge"}' }) });
    await cluster.admin.must('POST', pods(), { body: pod('plain') });
    await cluster.admin.must('POST', pods(installationNamespace), { body: pod('webhook', networksOf) });
    await cluster.admin.must('POST', '/api/v1/namespaces', { body: { metadata: { name: 'another' } } });
  });

  it('a pod with networks is created unchanged', async () => {
    await cluster.admin.must('POST', pods(), { body: pod('un-injected', networksOf) });
  });

  it('only objects that need a review are refused: macvtap networks, policies, and pods that ask for devices', async () => {
    refused(await cluster.admin.call('POST', networks(), { body: network('later', { config }) }));
    refused(await cluster.admin.call('POST', policies(), { body: policy('later') }));
    refused(await cluster.admin.call('PATCH', `${policies()}/before`, { body: { spec: { priority: 5 } }, ...merge }));
    const body = pod('later', { spec: { containers: [container(device)] } });
    refused(await cluster.admin.call('POST', pods(), { body }));
  });

  it('objects can be deleted, with their finalizers', async () => {
    for (const path of [`${networks()}/before`, `${policies()}/before`]) {
      await cluster.admin.must('DELETE', path);
      await cluster.admin.must('PATCH', path, { body: { metadata: { finalizers: null } }, ...merge });
      assert.equal((await cluster.admin.call('GET', path)).status, 404);
    }
  });
});
