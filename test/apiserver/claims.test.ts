// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { type DraDevice, planSlices } from '../../policy/plan/dra-devices.ts';
import { binaryPath } from '../binaries/binary-path.ts';
import { renderChart } from '../chart/render-chart.ts';
import type { ApiAnswer } from '../control-plane/api-client.ts';
import { root } from '../house/source-files.ts';
import { startProcess } from '../process/start-process.ts';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import type { ControlPlane } from './control-plane.ts';
import { apply, makeNamespace } from './install.ts';
import { playService } from './play-service.ts';
import { isWebhookConfiguration } from './shipped-objects.ts';
import { startWebhook } from './start-webhook.ts';
import { untilInForce } from './webhook-of-file.ts';

// A real API server calls the real webhook, with the objects that the chart has for dynamic resource allocation.
const cluster = await clusterOfFile();
const shipped = renderChart({ values: { node: { allocation: 'DRA' } } });
await apply(
  cluster,
  shipped.filter((object) => !isWebhookConfiguration(object)),
);
const service = cluster.use(await playService(cluster));
await apply(cluster, shipped.filter(isWebhookConfiguration));
const webhook = cluster.use(await startWebhook(cluster, { flags: ['--dra=On'] }));
service.targets = [webhook.port];
await untilInForce(cluster);
await makeNamespace(cluster, 'team-a', { team: 'a' });
await makeNamespace(cluster, 'team-b', { team: 'b' });

const driver = 'macvtap.network.kubevirt.io';
const api = '/apis/resource.k8s.io/v1';
const policies = `/apis/${driver}/v1alpha1/namespaces/macvtap-cni/macvtapnetworknodepolicies`;
const className = `data.${driver}`;
const classPath = `${api}/deviceclasses/${className}`;

const page = readFileSync(`${root}docs/how-to/use-dra.md`, 'utf8');
const requestsOf = (exactly: object) => ({ devices: { requests: [{ name: 'nic', exactly }] } });
const ofClass = requestsOf({ deviceClassName: className });
const ofDriver = requestsOf({
  deviceClassName: 'any',
  selectors: [{ cel: { expression: `device.driver == "${driver}"` } }],
});
const post = (namespace: string, plural: string, spec: object) =>
  cluster.admin.call('POST', `${api}/namespaces/${namespace}/${plural}?dryRun=All`, {
    body: { metadata: { name: 'c' }, spec },
  });
const podWith = (spec: object) => ({
  metadata: { generateName: 'p-' },
  spec: { containers: [{ name: 'a', image: 'localhost/a' }], ...spec },
});
const postPod = (namespace: string, spec: object) =>
  cluster.admin.call('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, { body: podWith(spec) });

function assertDenied({ status, body }: ApiAnswer): void {
  assert.match(
    `${status} ${(body as { message: string }).message}`,
    /^4\d\d admission webhook "check-[a-z-]+\.macvtap.*denied the request: .*policy macvtap-cni\/p admits namespaces with team=a/s,
  );
}

/** Starts a pod that requests the extended resource. */
const limits = { [`${driver}/data`]: '1' };
const containers = [{ name: 'a', image: 'localhost/a', resources: { limits, requests: limits } }];
const start = (namespace: string) =>
  cluster.admin.must<{ metadata: { name: string } }>('POST', `/api/v1/namespaces/${namespace}/pods`, {
    body: { metadata: { generateName: 'p-' }, spec: { containers } },
  });

const policy = {
  apiVersion: `${driver}/v1alpha1`,
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'p' },
  spec: {
    parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }],
    nodeSelector: { matchLabels: { any: 'true' } },
  },
};

describe('the DeviceClass of a resource', () => {
  it('is created with the policy, and can be restored', async () => {
    await cluster.admin.must('POST', policies, { body: policy });
    const isThere = ({ status }: ApiAnswer) => status === 200;
    const read = () => cluster.admin.call('GET', classPath);
    const { body } = await until(read, isThere);
    assert.equal((body as { spec: { extendedResourceName: string } }).spec.extendedResourceName, `${driver}/data`);
    await cluster.admin.must('DELETE', classPath);
    await until(read, isThere);
    const edit = { body: { spec: { selectors: [] } }, contentType: 'application/merge-patch+json' };
    await cluster.admin.must('PATCH', classPath, edit);
    await until(read, ({ body: found }) => JSON.stringify(found).includes('resourceName == '));
  });
});

describe('a claim', () => {
  it('of any namespace is accepted while no policy restricts the resource', async () => {
    assert.equal((await post('team-b', 'resourceclaims', ofClass)).status, 201);
    await cluster.admin.must('POST', `${api}/namespaces/team-b/resourceclaims`, {
      body: { metadata: { name: 'earlier' }, spec: ofClass },
    });
    await start('team-b');
  });

  it('is denied in a namespace that the policy does not admit, and so is a template', async () => {
    await cluster.admin.must('PATCH', `${policies}/p`, {
      body: { spec: { namespaceSelector: { matchLabels: { team: 'a' } } } },
      contentType: 'application/merge-patch+json',
    });
    await until(
      () => post('team-b', 'resourceclaims', ofClass),
      ({ status }) => status !== 201,
    );
    assertDenied(await post('team-b', 'resourceclaims', ofClass));
    assertDenied(await post('team-b', 'resourceclaimtemplates', { spec: ofClass }));
    assert.equal((await post('team-a', 'resourceclaims', ofClass)).status, 201);
    assert.equal((await post('team-a', 'resourceclaimtemplates', { spec: ofClass })).status, 201);
  });

  it('can select by attributes, and the page names exactly those that the driver gives to each device', async () => {
    const [, section = ''] = /\n### Attributes\n(.*?)\n## /s.exec(page) ?? [];
    const firstCells = [...section.matchAll(/^\| (`[^|]+)/gm)].map(([, cell]) => cell);
    const names = [...firstCells.join().matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
    const ofDevice = Object.keys(someDevice().attributes).filter((name) => !name.includes('/'));
    assert.deepEqual(names.toSorted(), ofDevice.toSorted());
    const selecting = async (expression: string) => {
      const exactly = { deviceClassName: className, selectors: [{ cel: { expression } }] };
      return (await post('team-a', 'resourceclaims', requestsOf(exactly))).status;
    };
    const attributes = `device.attributes["${driver}"]`;
    const [, example = '', selected = ''] = /expression: (.+?\]\.(\w+).*)/.exec(page) ?? [];
    assert.ok(names.includes(selected), example);
    assert.equal(await selecting(example), 201, example);
    assert.equal(await selecting(`${attributes}.?parent`), 422);
  });

  it('that only names the driver is accepted with a warning, because its resource is not known yet', async () => {
    assert.equal((await post('team-b', 'resourceclaims', ofDriver)).status, 201);
    const { stderr } = await cluster.kubectl(
      ['create', '--dry-run=server', '--namespace', 'team-b', '-f', '-'],
      JSON.stringify({
        apiVersion: 'resource.k8s.io/v1',
        kind: 'ResourceClaim',
        metadata: { name: 'c' },
        spec: ofDriver,
      }),
    );
    assert.match(stderr, /Warning: .*NamespaceNotAdmitted.*name a DeviceClass/);
  });
});

describe('a pod', () => {
  it('of the page is accepted with its network and template, and gets no second device', async () => {
    await makeNamespace(cluster, 'vms', { team: 'a' });
    const [, example = ''] = /```yaml\n(apiVersion: resource[^`]+)```/.exec(page) ?? [];
    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], example);
    assert.deepEqual([code, stderr], [0, '']);
    const pod = await cluster.mustKubectl(['get', 'pod', 'a', '-n', 'vms', '-o', 'json']);
    assert.deepEqual(JSON.parse(pod).spec.containers[0].resources, { claims: [{ name: 'nic' }] });
    // Without its claim, the same pod gets a device for the network. The webhook therefore knows the network.
    const [{ metadata, spec }] = parseAllDocuments(example)
      .slice(-1)
      .map((one) => one.toJS()) as [PagePod];
    const body = {
      metadata: { ...metadata, name: 'unclaimed' },
      spec: { containers: spec.containers.map(({ name, image }) => ({ name, image })) },
    };
    const path = '/api/v1/namespaces/vms/pods?dryRun=All';
    const unclaimed = await cluster.admin.must<PagePod>('POST', path, { body });
    assert.deepEqual(unclaimed.spec.containers[0]?.resources, { limits, requests: limits });
  });

  it('is denied if it names a claim that is older than the policy', async () => {
    const resourceClaims = [{ name: 'nic', resourceClaimName: 'earlier' }];
    assertDenied(await postPod('team-b', { resourceClaims }));
    assert.equal((await postPod('team-a', { resourceClaims })).status, 201);
  });

  it('is denied if it requests the DeviceClass as an extended resource', async () => {
    const limits = { [`deviceclass.resource.kubernetes.io/${className}`]: '1' };
    const containers = [{ name: 'a', image: 'localhost/a', resources: { limits } }];
    assertDenied(await postPod('team-b', { containers }));
    assert.equal((await postPod('team-a', { containers })).status, 201);
  });
});

describe('the claim that the scheduler creates for an extended resource', () => {
  const podsOf = async (namespace: string) =>
    (await cluster.admin.must<PodList>('GET', `/api/v1/namespaces/${namespace}/pods`)).items;

  it('is accepted in a namespace that the policy admits, and the pod gets a node', async () => {
    await makeNodeWithDevices(cluster);
    cluster.use(startScheduler());
    await start('team-a');
    const [scheduled] = await until(
      () => podsOf('team-a'),
      (pods) => pods[0]?.spec.nodeName !== undefined,
    );
    assert.equal(scheduled?.status.extendedResourceClaimStatus?.requestMappings[0]?.resourceName, `${driver}/data`);
  });

  it('is denied for a pod that is older than a policy that does not admit its namespace', async () => {
    const [pending] = await until(
      () => podsOf('team-b'),
      (pods) => /denied the request/.test(pods[0]?.status.conditions?.[0]?.message ?? ''),
    );
    assert.match(pending?.status.conditions?.[0]?.message ?? '', /policy macvtap-cni\/p admits namespaces with team=a/);
    assert.equal(pending?.spec.nodeName, undefined);
  });
});

describe('while the webhook is down', () => {
  it('claims of macvtap are rejected; claims of other drivers and pods with claims are created', async () => {
    await webhook.process.stop();
    const down = await post('team-a', 'resourceclaims', ofClass);
    assert.match(`${down.status} ${JSON.stringify(down.body)}`, /^500 .*failed calling webhook/);
    const foreign = requestsOf({ deviceClassName: 'gpu.example.com' });
    assert.equal((await post('team-b', 'resourceclaims', foreign)).status, 201);
    assert.equal((await post('team-b', 'resourceclaimtemplates', { spec: foreign })).status, 201);
    const resourceClaims = [{ name: 'gpu', resourceClaimName: 'gpu' }];
    assert.equal((await postPod('team-b', { resourceClaims })).status, 201);
  });
});

/** The part of a pod of the page that the tests read. */
interface PagePod {
  readonly metadata: object;
  readonly spec: {
    readonly containers: readonly { readonly name: string; readonly image: string; readonly resources?: object }[];
  };
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly nodeName?: string };
    readonly status: {
      readonly conditions?: readonly { readonly message?: string }[];
      readonly extendedResourceClaimStatus?: { readonly requestMappings: readonly { readonly resourceName: string }[] };
    };
  }[];
}

/** Returns a device as the driver publishes it. */
function someDevice(): DraDevice {
  const resource = {
    source: 'policy',
    policy: 'macvtap-cni/p',
    name: 'data',
    parent: 'eth0',
    mode: 'bridge',
    quantity: 1,
    numaNodes: [],
    needVhostNet: false,
  } as const;
  const [[device] = []] = planSlices([{ resource, parent: { nic: undefined } }], new Set());
  assert.ok(device);
  return device;
}

/** Starts a real scheduler. It shows that the webhook admits the claims that Kubernetes creates for pods. */
function startScheduler() {
  return startProcess({
    name: 'kube-scheduler',
    command: [
      binaryPath('kube-scheduler'),
      `--kubeconfig=${cluster.kubeconfig}`,
      '--leader-elect=false',
      '--secure-port=0',
    ],
  });
}

/**
 * Makes a Node that is ready, and a ResourceSlice with a device for each pod. With a single device, the scheduler would
 * reserve it for the pod whose claim is then denied. Meanwhile, it would give up the other pod, and not try it again.
 */
async function makeNodeWithDevices({ admin }: ControlPlane): Promise<void> {
  await admin.must('POST', '/api/v1/nodes', { body: { metadata: { name: 'h1' } } });
  const size = { cpu: '4', memory: '8Gi', pods: '110' };
  await admin.must('PATCH', '/api/v1/nodes/h1/status', {
    body: {
      status: { capacity: size, allocatable: size, conditions: [{ type: 'Ready', status: 'True' }] },
    },
    contentType: 'application/merge-patch+json',
  });
  await admin.must('PATCH', '/api/v1/nodes/h1', {
    body: { spec: { taints: null } },
    contentType: 'application/merge-patch+json',
  });
  await admin.must('POST', `${api}/resourceslices`, {
    body: {
      metadata: { name: 'h1-a' },
      spec: {
        driver,
        nodeName: 'h1',
        pool: { name: 'h1', generation: 1, resourceSliceCount: 1 },
        devices: ['data-0', 'data-1'].map((name) => ({ name, attributes: { resourceName: { string: 'data' } } })),
      },
    },
  });
}
