// SPDX-License-Identifier: Apache-2.0
// Dynamic resource allocation with kubelet, scheduler and container runtime, all with their default feature gates.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { deviceClassOf } from '../../policy/device/dra-names.ts';
import { until } from '../process/until.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, isReady, makePod, type Pod, podObject, readPod, runInPod, runPod, untilPodReady } from './pods.ts';
import { readAllocatable, untilHeld } from './resources.ts';
import { seedNetwork, seedPolicy } from './seed-objects.ts';
import { readPodTap } from './taps.ts';

const extraArgs = ['--held-refresh=1s', '--orphan-grace=5s'];
const cluster = await macvtapClusterOfFile({ node: { allocation: 'DRA', allocationByLabel: true, extraArgs } });
const guardMs = 180_000;
const driver = 'macvtap.network.kubevirt.io';
const resource = `${driver}/bondedIface`;
const { name: className } = deviceClassOf('bondedIface');

interface Slice {
  readonly metadata: { readonly uid: string };
  readonly spec: {
    readonly pool: { readonly generation: number };
    readonly devices: readonly {
      readonly name: string;
      readonly attributes: Readonly<Record<string, object>>;
      readonly taints?: readonly { readonly key: string; readonly effect: string }[];
    }[];
  };
}

interface Claim {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly allocation?: { readonly devices: { readonly results: readonly { device: string }[] } } };
}

async function readSlices(node: string): Promise<readonly Slice[]> {
  const query = new URLSearchParams({ fieldSelector: `spec.nodeName=${node},spec.driver=${driver}` });
  const path = `/apis/resource.k8s.io/v1/resourceslices?${query}`;
  return (await cluster.admin.must<{ items: readonly Slice[] }>('GET', path)).items;
}

const readClaims = async () =>
  (
    await cluster.admin.must<{ items: readonly Claim[] }>(
      'GET',
      '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims',
    )
  ).items;

/** Resolves when a node's slices have this number of devices of a resource. */
const untilOffered = (node: string, name: string, count: number) =>
  until(
    () => readSlices(node),
    (slices) => {
      const devices = slices.flatMap(({ spec }) => spec.devices);
      const such = devices.filter(
        ({ attributes }) => JSON.stringify(attributes.resourceName) === `{"string":"${name}"}`,
      );
      return such.length === count;
    },
    guardMs,
  );

/** Returns the pod's tap and its MAC address, after a process in the pod has opened the tap. */
async function openedTap(pod: string): Promise<{ readonly path: string; readonly mac: string }> {
  const { path, mac } = await readPodTap(cluster, pod);
  await runInPod(cluster, pod, `exec 3<>${path}`);
  return { path, mac };
}

const claimTemplate = (name: string, expression: string, count = 1) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaimTemplate',
  metadata: { name, namespace: 'default' },
  spec: {
    spec: {
      devices: {
        requests: [
          {
            name: 'nic',
            exactly: {
              deviceClassName: className,
              count,
              selectors: [{ cel: { expression } }],
            },
          },
        ],
      },
    },
  },
});

/** Creates a pod that names a claim's template. */
async function makeClaimingPod(name: string, template: string, networks: string): Promise<void> {
  const pod = podObject({ name, node: 'h2', networks }) as {
    readonly spec: { readonly containers: readonly object[] };
  };
  const containers = pod.spec.containers.map((one) => ({ ...one, resources: { claims: [{ name: 'net' }] } }));
  const spec = { ...pod.spec, containers, resourceClaims: [{ name: 'net', resourceClaimTemplateName: template }] };
  await cluster.admin.must('POST', '/api/v1/namespaces/default/pods', { body: { ...pod, spec } });
}

before(async () => {
  await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('node-centric'));
  await cluster.mustKubectl(['apply', '-n', 'default', '-f', '-'], seedNetwork);
  for (const node of ['h1', 'h2']) await untilOffered(node, 'bondedIface', 25);
  await until(
    () => cluster.kubectl(['get', 'deviceclass', className]),
    ({ code }) => code === 0,
    guardMs,
  );
});

describe('a node that uses DRA', () => {
  it('offers no device by the device plugin API, and its slices have the facts about the parent', async () => {
    const { h1 = {}, h2 = {} } = await readAllocatable(cluster);
    assert.deepEqual([h1, h2], [{}, {}]);
    const [slice] = await readSlices('h1');
    const { parent, mode, carrier } = slice?.spec.devices[0]?.attributes ?? {};
    assert.deepEqual([parent, mode, carrier], [{ string: 'bond1' }, { string: 'private' }, { bool: true }]);
  });

  it("starts the proposal's pod with its manifest unchanged: the scheduler makes a claim for the limit", async () => {
    const pod = await runPod(cluster, { name: 'vm', node: 'h1', networks: 'macvtap0' });
    assert.equal(pod.spec.containers[0]?.resources.limits?.[resource], '1');
    const [claim, ...others] = await readClaims();
    assert.deepEqual([claim?.status?.allocation?.devices.results.length, others.length], [1, 0]);
    await openedTap('vm');
    await untilHeld(cluster, 'h1', 'bondedIface', 1);
  });

  it('starts the same pod again after a reboot without anybody deleting it, with the same tap and MAC address', async () => {
    const before = { ...(await openedTap('vm')), uid: (await readPod(cluster, 'vm')).metadata.uid };
    await cluster.rebootNode('h1');
    await cluster.untilReady();
    const isRunning = async (): Promise<object | undefined> => {
      const { metadata } = await untilPodReady(cluster, 'vm');
      return await openedTap('vm').then(
        (tap) => ({ ...tap, uid: metadata.uid }),
        // Until kubelet has reported it, a pod from before the reboot also counts as Ready.
        () => undefined,
      );
    };
    assert.deepEqual(await until(isRunning, (tap) => tap !== undefined, guardMs), before);
    await untilOffered('h1', 'bondedIface', 25);
  });

  it('keeps a pod while kubelet and the node plugin are killed, and starts others that were being prepared', async () => {
    const before = await openedTap('vm');
    await cluster.restartKubelet('h1');
    const names = ['b1', 'b2', 'b3', 'b4', 'b5'];
    await Promise.all([
      ...names.map((name) => makePod(cluster, { name, node: 'h1', networks: 'macvtap0' })),
      cluster.killNodePlugin('h1'),
    ]);
    for (const name of names) await untilPodReady(cluster, name);
    const taps = await Promise.all(names.map(openedTap));
    assert.equal(new Set([before, ...taps].map(({ path }) => path)).size, names.length + 1);
    assert.deepEqual(await openedTap('vm'), before);
    // Kubelet deletes all slices at its start.
    await untilOffered('h1', 'bondedIface', 25);
    await Promise.all(names.map((name) => deletePod(cluster, name)));
    await untilHeld(cluster, 'h1', 'bondedIface', 1);
  });

  it('gives a claim a device by a CEL expression over attributes, and none if the expression matches nothing', async () => {
    const attributes = `device.attributes["${driver}"]`;
    await cluster.apply([
      claimTemplate('by-parent', `${attributes}.parent == "bond1" && ${attributes}.mtu >= 1500`, 2),
      claimTemplate('nothing', `${attributes}.parent == "eth9"`),
    ]);
    await makeClaimingPod('two', 'by-parent', 'macvtap0,macvtap0');
    await untilPodReady(cluster, 'two');
    const script = 'cat /sys/class/net/net1/ifindex /sys/class/net/net2/ifindex; ls /dev | grep ^tap';
    const [first, second, ...taps] = (await runInPod(cluster, 'two', script)).trim().split('\n');
    assert.notEqual(first, second);
    assert.deepEqual(taps.toSorted(), [`tap${first}`, `tap${second}`].toSorted());
    await makeClaimingPod('none', 'nothing', 'macvtap0');
    const isUnschedulable = ({ status }: Pod) =>
      status.conditions?.some(({ type, status: is }) => type === 'PodScheduled' && is === 'False') === true;
    await until(() => readPod(cluster, 'none'), isUnschedulable, guardMs);
    await Promise.all(['two', 'none'].map((name) => deletePod(cluster, name)));
    await untilHeld(cluster, 'h2', 'bondedIface', 0);
  });

  it('leaves no file and no tap of a claim that was unprepared', async () => {
    const list = async () => (await cluster.run('h2', 'sh', '-c', 'ls /run/cdi')).trim();
    await until(list, (files) => files === '', guardMs);
  });
});

describe('a parent that loses its carrier', () => {
  const taintsOf = async (node: string) => {
    const devices = (await readSlices(node)).flatMap(({ spec }) => spec.devices);
    const such = devices.filter(({ attributes }) => JSON.stringify(attributes.parent) === '{"string":"bond1"}');
    return [...new Set(such.flatMap(({ taints = [] }) => taints.map(({ key, effect }) => `${key}:${effect}`)))];
  };
  const noCarrier = `${driver}/no-carrier`;
  const link = (node: string, state: 'up' | 'down') => cluster.run(node, 'ip', 'link', 'set', 'bond1', state);
  const patch = (spec: object) =>
    cluster.mustKubectl([
      ...['patch', 'macvtapnetworknodepolicy', 'policy-1', '-n', 'macvtap-cni', '--type=merge'],
      ...['-p', JSON.stringify({ spec })],
    ]);

  it('keeps new pods away by default, until it is back', async () => {
    await link('h2', 'down');
    await until(
      () => taintsOf('h2'),
      (taints) => taints.join() === `${noCarrier}:NoSchedule`,
      guardMs,
    );
    await link('h2', 'up');
    await until(
      () => taintsOf('h2'),
      (taints) => taints.length === 0,
      guardMs,
    );
  });

  it('makes the pods of a Deployment move to a node with a carrier, if the policy has Evict', async () => {
    await patch({ onCarrierLoss: 'Evict', carrierLossGracePeriod: '1s' });
    await cluster.mustKubectl(['cordon', 'h1']);
    const { metadata, spec } = podObject({ name: 'moving', networks: 'macvtap0' }) as {
      readonly metadata: object;
      readonly spec: object;
    };
    const labels = { app: 'moving' };
    const path = '/apis/apps/v1/namespaces/default/deployments';
    await cluster.admin.must('POST', path, {
      body: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'moving' },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { ...metadata, name: undefined, labels }, spec },
        },
      },
    });
    const nodesOf = async () => {
      const query = new URLSearchParams({ labelSelector: 'app=moving' });
      const { items } = await cluster.admin.must<{ items: readonly Pod[] }>(
        'GET',
        `/api/v1/namespaces/default/pods?${query}`,
      );
      const running = items.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
      return running.map(({ spec: { nodeName } }) => nodeName).join();
    };
    await until(nodesOf, (nodes) => nodes === 'h2,h2', guardMs);
    await cluster.mustKubectl(['uncordon', 'h1']);
    await link('h2', 'down');
    await until(nodesOf, (nodes) => nodes === 'h1,h1', guardMs);
    await link('h2', 'up');
    await until(
      () => taintsOf('h2'),
      (taints) => taints.length === 0,
      guardMs,
    );
    await cluster.admin.must('DELETE', `${path}/moving`);
    await untilHeld(cluster, 'h1', 'bondedIface', 1);
    await patch({ onCarrierLoss: null, carrierLossGracePeriod: null });
  });
});

describe('a node whose label selects the other API', () => {
  const label = (value: string) =>
    cluster.mustKubectl(['label', '--overwrite', 'node', 'h1', `${driver}/allocation=${value}`]);
  const allocatable = async () => (await readAllocatable(cluster)).h1?.bondedIface ?? 0;

  it('keeps the pods with claims, starts new pods by the device plugin API, and does not offer a held device twice', async () => {
    const before = await openedTap('vm');
    await label('DevicePlugin');
    await until(allocatable, (count) => count === 24, guardMs);
    await untilOffered('h1', 'bondedIface', 0);
    await runPod(cluster, { name: 'by-plugin', node: 'h1', networks: 'macvtap0' });
    const { path } = await openedTap('by-plugin');
    assert.notEqual(path, before.path);
    assert.deepEqual(await openedTap('vm'), before);
  });

  it('drains when it changes back: the pod keeps its device, and after it the scheduler uses DRA again', async () => {
    const before = await openedTap('by-plugin');
    await label('DRA');
    await until(allocatable, (count) => count === 1, guardMs);
    await untilOffered('h1', 'bondedIface', 24);
    assert.deepEqual(await openedTap('by-plugin'), before);
    await deletePod(cluster, 'by-plugin');
    await until(allocatable, (count) => count === 0, guardMs);
    await untilOffered('h1', 'bondedIface', 25);
    await runPod(cluster, { name: 'by-claim', node: 'h1', networks: 'macvtap0' });
    await openedTap('by-claim');
    await Promise.all(['vm', 'by-claim'].map((name) => deletePod(cluster, name)));
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
  });
});
