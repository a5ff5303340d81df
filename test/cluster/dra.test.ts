// SPDX-License-Identifier: Apache-2.0
// Dynamic resource allocation with kubelet, scheduler and container runtime, all with their default feature gates.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { decodeLedger } from '../../nodeplugin/ledger/ledger-codec.ts';
import { parseDeviceID } from '../../policy/device/device-id.ts';
import { deviceClassOf } from '../../policy/device/dra-names.ts';
import { makeAsker } from '../control-plane/ask-why.ts';
import { until } from '../process/until.ts';
import { anyClass, attributes, claimTemplate, makeClaimingPod, readClaimed, readClaims, readSlices } from './claims.ts';
import { clusterFolder } from './layout.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { pathInNode } from './node/make-node-host.ts';
import { deletePod, isReady, makePod, type Pod, podObject, readPod, runInPod, runPod, untilPodReady } from './pods.ts';
import { readAllocatable, untilHeld } from './resources.ts';
import { seedNetwork, seedPolicy } from './seed-objects.ts';
import { startSecondDriver } from './start-second-driver.ts';
import { readPodTap } from './taps.ts';
import { startUpstream } from './upstream/start-upstream.ts';

const extraArgs = ['--held-refresh=1s', '--orphan-grace=5s'];
const cluster = await macvtapClusterOfFile({ node: { allocation: 'DRA', allocationByLabel: true, extraArgs } });
const asker = await makeAsker(cluster.kubeconfig, clusterFolder);
const guardMs = 180_000;
const driver = 'macvtap.network.kubevirt.io';
const resource = `${driver}/bondedIface`;
const { name: deviceClassName } = deviceClassOf('bondedIface');

/** Resolves when a node's slices have this number of devices of a resource. */
const untilOffered = (node: string, name: string, count: number) =>
  until(
    () => readSlices(cluster, node),
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

async function readLedger(node: string) {
  const file = await readFile(join(await pathInNode(node, '/var/lib/kube-macvtap'), 'ledger.json'));
  return decodeLedger(file, node).content;
}

/** Returns what a node has of claims: their CDI files, the links that are in no pod, and the devices in the ledger. */
async function readTraces(node: string) {
  const list = async (script: string) => (await cluster.run(node, 'sh', '-c', script)).split('\n').filter(Boolean);
  return {
    files: (await list('ls /run/cdi')).length,
    links: (await list('ip -o link show type macvtap')).length,
    devices: (await readLedger(node)).devices.size,
  };
}

/** Returns the IDs of the devices in a node's ledger. */
async function readClaimedIDs(node: string): Promise<readonly string[]> {
  return [...(await readLedger(node)).devices.keys()];
}

const untilTraces = (node: string, expected: Awaited<ReturnType<typeof readTraces>>) =>
  until(
    () => readTraces(node),
    (traces) => isDeepStrictEqual(traces, expected),
    guardMs,
  );

const quickNetwork = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: {
    name: 'quick',
    namespace: 'default',
    annotations: { 'k8s.v1.cni.cncf.io/resourceName': `${driver}/quickDataplane` },
  },
  spec: { config: '{"cniVersion": "1.0.0", "type": "macvtap"}' },
};

/** Resolves when `why` quotes this message as the reason why a pod does not start. */
async function untilStartFailed(pod: string, message: RegExp) {
  const { causes } = await until(
    () => asker.report(`pod/${pod}`),
    ({ causes: [first] }) => first?.code === 'StartFailed' && message.test(first.detail),
    guardMs,
  );
  return causes[0] ?? assert.fail();
}

before(async () => {
  await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('node-centric'));
  await cluster.mustKubectl(['apply', '-n', 'default', '-f', '-'], seedNetwork);
  for (const node of ['h1', 'h2']) await untilOffered(node, 'bondedIface', 25);
  await until(
    () => cluster.kubectl(['get', 'deviceclass', deviceClassName]),
    ({ code }) => code === 0,
    guardMs,
  );
});

describe('a node that uses DRA', () => {
  it('offers no device by the device plugin API, and its slices have the facts about the parent', async () => {
    const { h1 = {}, h2 = {} } = await readAllocatable(cluster);
    assert.deepEqual([h1, h2], [{}, {}]);
    const [slice] = await readSlices(cluster, 'h1');
    const { parent, mode, carrier } = slice?.spec.devices[0]?.attributes ?? {};
    assert.deepEqual([parent, mode, carrier], [{ string: 'bond1' }, { string: 'private' }, { bool: true }]);
  });

  it("starts the proposal's pod with its manifest unchanged: the scheduler makes a claim for the limit", async () => {
    const pod = await runPod(cluster, { name: 'vm', node: 'h1', networks: 'macvtap0' });
    assert.equal(pod.spec.containers[0]?.resources.limits?.[resource], '1');
    const [claim, ...others] = await readClaims(cluster);
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

  it('gives a claim a device by a CEL expression over attributes, and none if the expression matches nothing, which why explains', async (t) => {
    await cluster.apply([
      claimTemplate('by-parent', {
        deviceClassName,
        expression: `${attributes}.parent == "bond1" && ${attributes}.mtu >= 1500`,
        count: 2,
      }),
      claimTemplate('nothing', { deviceClassName, expression: `${attributes}.parent == "eth9"` }),
    ]);
    await makeClaimingPod(cluster, { name: 'two', node: 'h2', networks: 'macvtap0,macvtap0' }, 'by-parent');
    await untilPodReady(cluster, 'two');
    const script = 'cat /sys/class/net/net1/ifindex /sys/class/net/net2/ifindex; ls /dev | grep ^tap';
    const [first, second, ...taps] = (await runInPod(cluster, 'two', script)).trim().split('\n');
    assert.notEqual(first, second);
    assert.deepEqual(taps.toSorted(), [`tap${first}`, `tap${second}`].toSorted());
    await makeClaimingPod(cluster, { name: 'none', networks: 'macvtap0' }, 'nothing');
    const { detail, fix } = await untilStartFailed('none', /cannot allocate all claims/);
    t.diagnostic(`why pod/none: StartFailed: ${detail}; ${fix.text}`);
    assert.match(fix.text, /^compare the CEL expressions/);
    await Promise.all(['two', 'none'].map((name) => deletePod(cluster, name)));
    await untilHeld(cluster, 'h2', 'bondedIface', 0);
  });

  it('gives a claim for any resource the device whose parent and mode its CEL expression asks for', async (t) => {
    await cluster.apply([
      anyClass,
      quickNetwork,
      claimTemplate('of-eth1', {
        expression: `${attributes}.parent == "eth1" && ${attributes}.mode == "vepa"`,
      }),
    ]);
    await makeClaimingPod(cluster, { name: 'quick', networks: 'quick' }, 'of-eth1');
    await untilPodReady(cluster, 'quick');
    await openedTap('quick');
    const { parent, resourceName, mode } = await readClaimed(cluster, 'quick', 'of-eth1');
    t.diagnostic(JSON.stringify({ parent, resourceName, mode }));
    assert.deepEqual(
      [parent, resourceName, mode],
      [{ string: 'eth1' }, { string: 'quickDataplane' }, { string: 'vepa' }],
    );
    await deletePod(cluster, 'quick');
    await untilHeld(cluster, 'h1', 'quickDataplane', 0);
  });

  it('gives a claim by speed a device although the speed of another parent is unknown', async () => {
    await cluster.run('h2', 'ip', 'link', 'set', 'bond1', 'down');
    await until(
      () => readSlices(cluster, 'h2'),
      (slices) => JSON.stringify(slices).includes('no-carrier'),
      guardMs,
    );
    const expression = `${attributes}.speedMbps >= 10000 && ${attributes}.numaNode < 1`;
    await cluster.apply([claimTemplate('fast', { deviceClassName, expression })]);
    await makeClaimingPod(cluster, { name: 'fast', networks: 'macvtap0' }, 'fast');
    const { spec } = await untilPodReady(cluster, 'fast');
    assert.equal(spec.nodeName, 'h1');
    await openedTap('fast');
    await deletePod(cluster, 'fast');
    await cluster.run('h2', 'ip', 'link', 'set', 'bond1', 'up');
    await untilHeld(cluster, 'h1', 'bondedIface', 1);
  });

  it('refuses a claim with a configuration, with its kind as the reason', async (t) => {
    const opaque = { driver, parameters: { apiVersion: 'example.com/v1', kind: 'Speed' } };
    const config = [{ requests: ['nic'], opaque }];
    await cluster.apply([claimTemplate('configured', { deviceClassName, expression: 'true', config })]);
    await makeClaimingPod(cluster, { name: 'configured', node: 'h2', networks: 'macvtap0' }, 'configured');
    const { detail } = await untilStartFailed('configured', /a configuration of kind Speed, and this driver has none/);
    t.diagnostic(`why pod/configured: StartFailed: ${detail}`);
    await deletePod(cluster, 'configured');
    await untilTraces('h2', { files: 0, links: 0, devices: 0 });
  });

  it('runs 30 pods that start at once, each with its own device and MAC address, and leaves nothing of them', async (t) => {
    const names = Array.from({ length: 30 }, (_, index) => `crowd-${index}`);
    const since = performance.now();
    const note = (what: string) => t.diagnostic(`${what} after ${((performance.now() - since) / 1_000).toFixed(1)} s`);
    // A pod that cannot open its tap ends, and is never Ready.
    const script = 'exec 3<>/dev/tap$(cat /sys/class/net/net1/ifindex) && exec sleep infinity';
    await Promise.all(names.map((name) => makePod(cluster, { name, networks: 'macvtap0', script })));
    const pods: Pod[] = [];
    for (const name of names) pods.push(await untilPodReady(cluster, name));
    note('30 pods were Ready');
    const status = pods.map(({ metadata }) => metadata.annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]');
    const macs = status.flatMap((text) => (JSON.parse(text) as { name: string; mac: string }[]).slice(1));
    assert.equal(new Set(macs.map(({ mac }) => mac)).size, 30);
    const claims = await readClaims(cluster);
    const devices = claims.flatMap(({ status: about }) => about?.allocation?.devices.results ?? []);
    // The pod `vm` also has one.
    assert.equal(new Set(devices.map(({ pool, device }) => `${pool} ${device}`)).size, 31);
    const counts = ['h1', 'h2'].map((node) => pods.filter(({ spec }) => spec.nodeName === node).length);
    t.diagnostic(`h1 and h2 have ${counts.join(' and ')} of them`);
    const [onFirst = 0, onSecond = 0] = counts;
    await untilHeld(cluster, 'h1', 'bondedIface', onFirst + 1);
    await untilHeld(cluster, 'h2', 'bondedIface', onSecond);
    const running = await Promise.all(names.map((name) => readPod(cluster, name)));
    assert.ok(running.every((pod) => isReady(pod) && pod.status.containerStatuses?.[0]?.restartCount === 0));
    await Promise.all(names.map((name) => deletePod(cluster, name)));
    note('30 pods were gone');
    await untilTraces('h1', { files: 1, links: 0, devices: 1 });
    await untilTraces('h2', { files: 0, links: 0, devices: 0 });
    await until(
      () => readClaims(cluster),
      ({ length }) => length === 1,
      guardMs,
    );
    note('nothing was left of them');
  });

  it('loses nothing while another program has its driver name: kubelet then calls that program', async (t) => {
    await runPod(cluster, { name: 'older', node: 'h2', networks: 'macvtap0' });
    await runPod(cluster, { name: 'kept', node: 'h2', networks: 'macvtap0' });
    const before = await openedTap('kept');
    {
      await using other = await startSecondDriver('h2');
      await other.registered;
      await makePod(cluster, { name: 'waits', node: 'h2', networks: 'macvtap0' });
      const { detail } = await untilStartFailed('waits', /this program has no devices/);
      t.diagnostic(`why pod/waits: StartFailed: ${detail}`);
      // Kubelet ends claims with the other program, which never prepared them.
      await deletePod(cluster, 'older');
      await until(
        async () => other.unprepared,
        ({ length }) => length > 0,
        guardMs,
      );
      await untilHeld(cluster, 'h2', 'bondedIface', 1);
      assert.deepEqual(await openedTap('kept'), before);
    }
    await untilPodReady(cluster, 'waits');
    assert.notEqual((await openedTap('waits')).path, before.path);
    await Promise.all(['kept', 'waits'].map((name) => deletePod(cluster, name)));
    await untilTraces('h2', { files: 0, links: 0, devices: 0 });
  });

  it('keeps the devices of its pods while a device plugin serves the same resource', async (t) => {
    // The scheduler counts a pod with limits against the devices of the plugin, but not a pod with a claim.
    await cluster.apply([claimTemplate('any', { deviceClassName, expression: 'true' })]);
    await makeClaimingPod(cluster, { name: 'firm', node: 'h2', networks: 'macvtap0' }, 'any');
    await untilPodReady(cluster, 'firm');
    const before = await openedTap('firm');
    const { index } = parseDeviceID((await readClaimedIDs('h2'))[0] ?? '') ?? assert.fail();
    const isHeld =
      /^ADD of net1 for pod default\/twice-\d, .* belongs to ResourceClaim default\/\S+, which this pod does not have: remove /;
    const counted = async () => (await readAllocatable(cluster)).h2?.bondedIface ?? 0;
    {
      // Its devices include that of the pod.
      const upstream = { name: 'bondedIface', lowerDevice: 'bond1', mode: 'private', keepsCNIPlugin: true };
      await using _other = await startUpstream(cluster, 'h2', { ...upstream, capacity: index + 1 });
      await until(counted, (count) => count === index + 1, guardMs);
      const names = Array.from({ length: index + 1 }, (_, at) => `twice-${at}`);
      await Promise.all(names.map((name) => makePod(cluster, { name, node: 'h2', networks: 'macvtap0' })));
      const events = '/api/v1/namespaces/default/events?fieldSelector=reason=AttachFailed';
      const { items } = await until(
        () => cluster.admin.must<{ items: readonly { readonly message: string }[] }>('GET', events),
        (list) => list.items.some(({ message }) => isHeld.test(message)),
        guardMs,
      );
      t.diagnostic(items.find(({ message }) => isHeld.test(message))?.message ?? '');
      assert.deepEqual(await openedTap('firm'), before);
      await Promise.all(names.map((name) => deletePod(cluster, name)));
    }
    await until(counted, (count) => count === 0, guardMs);
    await runPod(cluster, { name: 'by-claim', node: 'h2', networks: 'macvtap0' });
    assert.notEqual((await openedTap('by-claim')).path, before.path);
    assert.deepEqual(await openedTap('firm'), before);
    await Promise.all(['firm', 'by-claim'].map((name) => deletePod(cluster, name)));
    await untilTraces('h2', { files: 0, links: 0, devices: 0 });
  });
});

describe('a parent that loses its carrier', () => {
  const taintsOf = async (node: string) => {
    const devices = (await readSlices(cluster, node)).flatMap(({ spec }) => spec.devices);
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
