// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { makeNamespace } from './install.ts';
import { makeSeedHosts } from './seed-hosts.ts';
import { webhookOfFile } from './webhook-of-file.ts';

const cluster = await webhookOfFile();
await makeSeedHosts(cluster);
await makeNamespace(cluster, 'tenant', { team: 'a' });
await makeNamespace(cluster, 'guest', { team: 'b' });

const dataplane = 'macvtap.network.kubevirt.io/dataplane';
const storage = 'macvtap.network.kubevirt.io/storage';
const networksKey = 'k8s.v1.cni.cncf.io/networks';
const policies = '/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/macvtap-cni/macvtapnetworknodepolicies';
const networks = (namespace: string) =>
  `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions`;
const pods = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;

interface Container {
  readonly name: string;
  readonly image: string;
  readonly resources?: { readonly limits?: Readonly<Record<string, string>>; readonly requests?: object };
}

interface Pod {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: readonly Container[] };
}

const container = (name: string, limits?: Readonly<Record<string, string>>): Container => ({
  name,
  image: 'localhost/image',
  ...(limits && { resources: { limits } }),
});
const pod = (annotations: Readonly<Record<string, string>>, ...containers: readonly Container[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'vm-', annotations },
  spec: { containers: containers.length > 0 ? containers : [container('compute')] },
});
const limitsOf = ({ spec }: Pod) =>
  Object.fromEntries(spec.containers.map(({ name, resources }) => [name, resources?.limits ?? {}]));
const policy = (name: string, resourceName: string, parentIface: string, namespaceSelector?: object) => ({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name },
  spec: {
    parentSelector: [{ parentIface, resourceName }],
    nodeSelector: { matchLabels: { macvtapAware: 'true' } },
    ...(namespaceSelector && { namespaceSelector }),
  },
});
const network = (name: string, resource: string) => ({
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: { name, annotations: { 'k8s.v1.cni.cncf.io/resourceName': resource } },
  spec: { config: '{"type":"macvtap"}' },
});

await cluster.admin.must('POST', policies, { body: policy('open', 'storage', 'eth1') });
await cluster.admin.must('POST', policies, {
  body: policy('restricted', 'dataplane', 'bond1', { matchLabels: { team: 'a' } }),
});
await cluster.admin.must('POST', networks('tenant'), { body: network('dataplane', dataplane) });
await cluster.admin.must('POST', networks('guest'), { body: network('storage', storage) });
await cluster.admin.must('POST', networks('kube-system'), { body: network('main', storage) });

describe('a pod with networks', () => {
  it('gets the devices that they need, and an annotation that records them', async () => {
    const body = pod({ [networksKey]: 'dataplane, dataplane, guest/storage@net3' });
    const made = await cluster.admin.must<Pod>('POST', pods('tenant'), { body });
    assert.deepEqual(limitsOf(made), { compute: { [dataplane]: '2', [storage]: '1' } });
    assert.deepEqual(JSON.parse(made.metadata.annotations?.['macvtap.network.kubevirt.io/injected'] ?? ''), {
      [dataplane]: 2,
      [storage]: 1,
    });
  });

  it('created as JSON gets the same devices, in the compute container if it has one', async () => {
    const list = JSON.stringify([{ name: 'dataplane' }, { name: 'storage', namespace: 'guest' }]);
    const body = pod({ [networksKey]: list }, container('sidecar'), container('compute'));
    const made = await cluster.admin.must<Pod>('POST', pods('tenant'), { body });
    assert.deepEqual(limitsOf(made), { sidecar: {}, compute: { [dataplane]: '1', [storage]: '1' } });
  });

  it('also gets the device of its default network, which Multus looks for in its own namespace', async () => {
    const body = pod({ 'v1.multus-cni.io/default-network': 'main', [networksKey]: 'dataplane' });
    const made = await cluster.admin.must<Pod>('POST', pods('tenant'), { body });
    assert.deepEqual(limitsOf(made), { compute: { [dataplane]: '1', [storage]: '1' } });
  });

  it('gets only the missing devices, and nothing twice', async () => {
    const body = pod({ [networksKey]: 'dataplane,dataplane' }, container('app', { [dataplane]: '1' }), container('b'));
    const made = await cluster.admin.must<Pod>('POST', pods('tenant'), { body });
    assert.deepEqual(limitsOf(made), { app: { [dataplane]: '2' }, b: {} });
    const whole = pod({ [networksKey]: 'dataplane' }, container('app', { [dataplane]: '1' }));
    const kept = await cluster.admin.must<Pod>('POST', pods('tenant'), { body: whole });
    assert.deepEqual(limitsOf(kept), { app: { [dataplane]: '1' } });
    assert.equal(kept.metadata.annotations?.['macvtap.network.kubevirt.io/injected'], undefined);
  });

  it('is returned with its devices by a dry run', async () => {
    const args = ['create', '-n', 'tenant', '--dry-run=server', '-o', 'json', '-f', '-'];
    const shown = JSON.parse(await cluster.mustKubectl(args, JSON.stringify(pod({ [networksKey]: 'dataplane' }))));
    assert.deepEqual(limitsOf(shown), { compute: { [dataplane]: '1' } });
  });

  it('gets the devices when its network comes from the same file, milliseconds earlier', async () => {
    const file = [
      { ...network('just-made', dataplane) },
      {
        ...pod({ [networksKey]: 'just-made' }),
        metadata: { name: 'at-once', annotations: { [networksKey]: 'just-made' } },
      },
    ];
    const text = file.map((object) => JSON.stringify(object)).join('\n---\n');
    await cluster.mustKubectl(['apply', '-n', 'tenant', '-f', '-'], text);
    const made = await cluster.admin.must<Pod>('GET', `${pods('tenant')}/at-once`);
    assert.deepEqual(limitsOf(made), { compute: { [dataplane]: '1' } });
  });

  it('with networks that cannot be parsed passes with a warning', async () => {
    const { status, warnings } = await cluster.admin.call('POST', pods('tenant'), {
      body: pod({ [networksKey]: '[{' }),
    });
    assert.equal(status, 201);
    assert.match(warnings.join(), /^NetworksUnreadable /);
  });
});

describe('a pod in a namespace that the policy does not admit', () => {
  const create = (body: object) => cluster.kubectl(['create', '-n', 'guest', '-f', '-'], JSON.stringify(body));
  const denied =
    /^Error from server \(Forbidden\): error when creating "STDIN": admission webhook "check-pods\.macvtap\.network\.kubevirt\.io" denied the request: NamespaceNotAdmitted .*macvtap-cni\/restricted/;

  it('is refused when it requests the resource without a network', async () => {
    const { code, stderr } = await create(pod({}, container('compute', { [dataplane]: '1' })));
    assert.equal(code, 1);
    assert.match(stderr, denied);
  });

  it('is refused when an init container requests the resource', async () => {
    const { spec, ...rest } = pod({});
    const initContainers = [container('init', { [dataplane]: '1' })];
    const { code, stderr } = await create({ ...rest, spec: { ...spec, initContainers } });
    assert.equal(code, 1);
    assert.match(stderr, denied);
  });

  it("is refused when it uses another namespace's network", async () => {
    const { code, stderr } = await create(pod({ [networksKey]: 'tenant/dataplane' }));
    assert.equal(code, 1);
    assert.match(stderr, denied);
  });

  it('is created when it requests a resource that is open to all namespaces', async () => {
    const made = await cluster.admin.must<Pod>('POST', pods('guest'), { body: pod({ [networksKey]: 'storage' }) });
    assert.deepEqual(limitsOf(made), { compute: { [storage]: '1' } });
  });

  it('is created as soon as its namespace gets the label', async () => {
    await makeNamespace(cluster, 'late');
    const body = pod({}, container('compute', { [dataplane]: '1' }));
    assert.equal((await cluster.admin.call('POST', pods('late'), { body })).status, 403);
    await cluster.mustKubectl(['label', 'namespace', 'late', 'team=a']);
    await until(
      () => cluster.admin.call('POST', pods('late'), { body }),
      ({ status }) => status === 201,
    );
  });
});
