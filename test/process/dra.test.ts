// SPDX-License-Identifier: Apache-2.0
// The real node plugin as a DRA driver, with the real kernel, a stand-in for an API server, and kubelet's calls.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { NodePrepareResourceResponse } from '../../nodeplugin/dra/dra-v1.pb.ts';
import { driverService } from '../../nodeplugin/dra/driver-services.ts';
import { dialSocket } from '../../nodeplugin/grpc-client.ts';
import { deviceIfindex } from '../../policy/device/device-id.ts';
import { allocationLabel, draDeviceName, draTaints } from '../../policy/device/dra-names.ts';
import type { DraDevice } from '../../policy/plan/dra-devices.ts';
import type { FaultPointName } from '../../runtime/fault-points.ts';
import type { StandInApiServer } from '../apiserver-standin/start-api-server.ts';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { put, startServer } from './cluster-nodes.ts';
import { findDriver } from './find-driver.ts';
import { addLink, nodeObject } from './plugin-node.ts';
import { kubeconfigFor, reachFromNamespace } from './reach-from-namespace.ts';
import { makeShimNode, needsRealShim, podNamespace, readRecords } from './shim-node.ts';
import { assertOwnTap, showDevice, showMacvtaps } from './shown-macvtaps.ts';
import { mountSmallDisk } from './small-disk.ts';
import { until } from './until.ts';

const options = { skip: needsRealShim };
const limits = { timeoutMs: 30_000 };
const claim = { namespace: podNamespace, name: 'net-of-vm-a', uid: 'claim-1' };

/** Creates an allocated claim that is reserved for the pod `pod-1`. */
function allocate(server: StandInApiServer, node: string, ...ids: readonly string[]): void {
  const results = ids.map((id, index) => ({
    request: `r${index}`,
    driver: 'macvtap.network.kubevirt.io',
    pool: node,
    device: draDeviceName(id),
  }));
  const reservedFor = [{ resource: 'pods', name: 'vm-a', uid: 'pod-1' }];
  put(server, {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name: claim.name, namespace: claim.namespace, uid: claim.uid },
    status: { allocation: { devices: { results } }, reservedFor },
  });
}

/** Starts a node that uses DRA, without its node plugin. */
async function startNode() {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startServer());
  const node = undo.use(await makeShimNode());
  put(server, nodeObject(node.name, {}));
  const reach = undo.use(await reachFromNamespace(node.namespace, Number(new URL(server.url).port)));
  const kubeconfig = join(node.kubeletDirectory, 'kubeconfig');
  const url = `http://${reach.host}:${reach.port}`;
  await writeFile(kubeconfig, kubeconfigFor(url, { 'insecure-skip-tls-verify': true }));
  const cdi = join(node.kubeletDirectory, 'cdi');
  const plainFlags = ['--source', 'cluster', '--kubeconfig', kubeconfig, '--cdi-dir', cdi];
  const flags = [...plainFlags, '--allocation', 'DRA'];
  const registry = join(node.kubeletDirectory, 'plugins_registry');
  const slices = () => [...server.store.objects.values()].filter(({ kind }) => kind === 'ResourceSlice');
  const register = (error = '') => findDriver(node.kubeletDirectory, error);
  /** Waits until the driver knows what it offers, because a claim is refused before the first plan. */
  const ready = async (): Promise<string> => {
    await until(
      async () => slices(),
      ({ length }) => length === 1,
    );
    return await register();
  };
  const call = async (endpoint: string, method: 'NodePrepareResources' | 'NodeUnprepareResources') => {
    using socket = dialSocket(endpoint);
    const request = { claims: [claim] };
    const { claims } =
      method === 'NodePrepareResources'
        ? await socket.call(driverService.NodePrepareResources, request, limits)
        : await socket.call(driverService.NodeUnprepareResources, request, limits);
    return claims[claim.uid];
  };
  /** Prepares the claim as kubelet does: it repeats the call until it succeeds. */
  const prepare = async (endpoint: string) => {
    const answer = await until(
      () => call(endpoint, 'NodePrepareResources'),
      (outcome) => outcome?.error === '',
    );
    return (answer as NodePrepareResourceResponse).devices.map(({ device_name }) => device_name);
  };
  const scope = undo.move();
  return {
    server,
    node,
    slices,
    register,
    ready,
    call,
    prepare,
    cdi,
    /** The sockets in kubelet's directory that belong to the driver. */
    sockets: () => readdir(registry).catch(() => []),
    files: () => readdir(cdi).catch(() => []),
    run: (...more: readonly string[]) => node.run(...flags, ...more),
    runWithoutDra: () => node.run(...plainFlags),
    runArmed: (fault: FaultPointName | `${FaultPointName}:${number}`) => node.runArmed(fault, ...flags),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

const tapOf = (node: string, id: string) => `/dev/tap${deviceIfindex(node, id)}`;

test(
  'a claim is prepared, attached without a device ID, and unprepared; no device is offered twice',
  options,
  async () => {
    await using started = await startNode();
    const { server, node, ready, call, prepare, files, slices } = started;
    started.run();
    const endpoint = await ready();
    // The node plugin has only shown kubelet that its resource requires no PreStartContainer any more.
    const { resource, waitFor } = node.kubelet;
    await waitFor(() => resource('macvtap.network.kubevirt.io/net')?.connected === false);
    const left = resource('macvtap.network.kubevirt.io/net');
    assert.deepEqual([left?.devices, left?.options?.pre_start_required], [[], false]);
    allocate(server, node.name, 'netMvp1', 'netMvp3');
    assert.deepEqual(await prepare(endpoint), ['net-1', 'net-3']);
    await assertOwnTap(node.namespace, 'netMvp1', tapOf(node.name, 'netMvp1'));
    assert.deepEqual(await files(), ['kube-macvtap-claim-claim-1.json']);

    await using namespace = await makeNetworkNamespace();
    const attachment = { podUID: 'pod-1', netns: namespace.path };
    const first = await node.call('ADD', attachment);
    assert.equal(first.exitCode, 0, JSON.stringify(first.output));
    assert.equal((await node.call('ADD', { ...attachment, ifname: 'net2' })).exitCode, 0);
    const links = async () =>
      (await showMacvtaps(namespace)).toSorted((one, other) => (one.ifname < other.ifname ? -1 : 1));
    const before = (await links()).map(({ ifname, ifindex, address }) => [ifname, ifindex, address]);
    assert.deepEqual(
      before.map(([ifname, ifindex]) => [ifname, ifindex]),
      [
        ['net1', deviceIfindex(node.name, 'netMvp1')],
        ['net2', deviceIfindex(node.name, 'netMvp3')],
      ],
    );
    const foreign = { pod: 'vm-b', podUID: 'pod-2', netns: namespace.path, ifname: 'net3' };
    for (const [conf, code] of [
      [{}, 'DeviceMissing'],
      [{ deviceID: 'netMvp1' }, 'DeviceHeldElsewhere'],
      [{ deviceID: 'netMvp2' }, 'DeviceNotAllocated'],
    ] as const) {
      const { output } = await node.call('ADD', { ...foreign, conf });
      assert.match(String(output?.details), new RegExp(code), JSON.stringify(output));
    }
    assert.equal((await node.call('CHECK', { ...attachment, conf: { deviceID: 'netMvp1' } })).exitCode, 0);

    // Kubelet prepares all claims again after its start. The links of the running pod must stay.
    assert.deepEqual(await prepare(endpoint), ['net-1', 'net-3']);
    assert.deepEqual(
      (await links()).map(({ ifname, ifindex, address }) => [ifname, ifindex, address]),
      before,
    );

    for (const ifname of ['net2', 'net1']) await node.call('DEL', { ...attachment, ifname });
    assert.deepEqual(await call(endpoint, 'NodeUnprepareResources'), { error: '' });
    assert.deepEqual(await files(), []);
    await until(
      () => readRecords(node),
      (records) => Object.keys(records).length === 0,
    );
    assert.deepEqual(await showMacvtaps(node.namespace), []);
    assert.equal(slices().length, 1);
  },
);

test('an interface has the same device and address in a recreated sandbox', options, async () => {
  await using started = await startNode();
  const { server, node, ready, prepare } = started;
  started.run();
  const endpoint = await ready();
  allocate(server, node.name, 'netMvp0', 'netMvp2');
  await prepare(endpoint);
  const seen: unknown[] = [];
  for (const order of [
    ['net1', 'net2'],
    ['net2', 'net1'],
  ]) {
    await using namespace = await makeNetworkNamespace();
    const about = { podUID: 'pod-1', netns: namespace.path, containerID: `c-${namespace.name}` };
    for (const ifname of order) assert.equal((await node.call('ADD', { ...about, ifname })).exitCode, 0);
    const links = await showMacvtaps(namespace);
    seen.push(Object.fromEntries(links.map(({ ifname, ifindex, address }) => [ifname, [ifindex, address]])));
    for (const ifname of order) await node.call('DEL', { ...about, ifname });
  }
  assert.deepEqual(seen[1], seen[0]);
});

test('a kubelet that refuses the driver is named with its reason, and can register it later', options, async () => {
  await using started = await startNode();
  const { server, node, ready, register, prepare } = started;
  const plugin = started.run();
  // This is what a kubelet answers that does not know the version of the driver.
  await register('none of services supported by the plugin (["v1.DRAPlugin"]) are supported by the kubelet');
  const line = await plugin.waitForLine(/kubelet did not register the DRA driver/);
  assert.match(line, /macvtap\.network\.kubevirt\.io: none of services .*; check kubelet's log/);
  allocate(server, node.name, 'netMvp0');
  assert.deepEqual(await prepare(await ready()), ['net-0']);
});

test(
  'the same plan feeds both APIs: the label moves a node from one to the other, with the same devices',
  options,
  async () => {
    await using started = await startNode();
    const { server, node, slices } = started;
    const label = (value: string) => put(server, nodeObject(node.name, { [allocationLabel]: value }));
    label('DevicePlugin');
    started.run('--allocation-by-label', 'On');
    const ids = ['netMvp0', 'netMvp1', 'netMvp2', 'netMvp3'];
    await node.lists('net', ids);
    assert.deepEqual(slices(), []);

    const devices = () => slices().flatMap(({ spec }) => (spec as { devices: readonly DraDevice[] }).devices);
    const untilDevices = (isWanted: (listed: readonly DraDevice[]) => boolean) =>
      until(async () => devices(), isWanted);
    label('DRA');
    await untilDevices(({ length }) => length > 0);
    await node.isGone('net');
    assert.deepEqual(
      devices().map(({ attributes }) => attributes['k8s.cni.cncf.io/deviceID']),
      ids.map((string) => ({ string })),
    );
    assert.deepEqual(devices()[0]?.attributes, {
      resourceName: { string: 'net' },
      parent: { string: 'p0' },
      mode: { string: 'bridge' },
      driver: { string: 'veth' },
      pciAddress: { string: '' },
      vendor: { string: '' },
      numaNode: { int: -1 },
      // The speed that the kernel's driver of veth reports.
      speedMbps: { int: 10_000 },
      mtu: { int: 1_500 },
      carrier: { bool: true },
      vlan: { int: 0 },
      'k8s.cni.cncf.io/resourceName': { string: 'macvtap.network.kubevirt.io/net' },
      'k8s.cni.cncf.io/deviceID': { string: 'netMvp0' },
    });

    const before = devices();
    const untilTainted = (key: string) =>
      untilDevices((listed) =>
        listed.every(({ taints }) => isDeepStrictEqual(taints, [{ key, effect: 'NoSchedule' }])),
      );
    await node.namespace.ip('link set p0-peer down');
    await untilTainted(draTaints.noCarrier);
    await node.namespace.ip('link del p0');
    await untilTainted(draTaints.parentGone);
    // A claim that reads an attribute which one device lacks could not be scheduled to any node.
    const attributes = { ...before[0]?.attributes, carrier: { bool: false }, speedMbps: { int: 0 } };
    assert.deepEqual(devices()[0]?.attributes, attributes);
    await addLink(node.namespace, 'p0');
    await untilDevices((listed) => isDeepStrictEqual(listed, before));

    label('DevicePlugin');
    await node.lists('net', ids);
    await untilDevices(({ length }) => length === 0);
  },
);

test(
  'an installation that no longer allows DRA keeps the claims of running pods until they end, then the driver pauses',
  options,
  async () => {
    await using started = await startNode();
    const { server, node, ready, register, call, prepare, files, sockets } = started;
    const before = started.run();
    allocate(server, node.name, 'netMvp0');
    const endpoint = await ready();
    await prepare(endpoint);
    await using namespace = await makeNetworkNamespace();
    const attachment = { podUID: 'pod-1', netns: namespace.path };
    assert.equal((await node.call('ADD', attachment)).exitCode, 0);
    before.signal('SIGTERM');
    await before.exit;

    // The upgrade also removed the rights.
    const requestsBefore = server.requests.length;
    started.runWithoutDra();
    const draining = await until(register, (found) => found !== endpoint);
    // Kubelet prepares all claims again after its start.
    assert.deepEqual(await prepare(draining), ['net-0']);
    assert.deepEqual(
      (await showMacvtaps(namespace)).map(({ ifname }) => ifname),
      ['net1'],
    );
    assert.equal((await node.call('DEL', attachment)).exitCode, 0);
    assert.deepEqual(await call(draining, 'NodeUnprepareResources'), { error: '' });
    assert.deepEqual(await files(), []);
    await until(sockets, ({ length }) => length === 0);
    await until(
      () => readRecords(node),
      (records) => Object.keys(records).length === 0,
    );
    const later = server.requests.slice(requestsBefore);
    assert.deepEqual(
      later.filter((request) => request.includes('resource.k8s.io')),
      [],
    );
  },
);

suite('a node plugin that is killed', { concurrency: 2 }, () => {
  for (const point of [
    'allocate-node-free',
    'allocate-link-made',
    'ledger-before-write',
    'allocate-recorded',
    'allocate-recorded:2',
    'claim-prepared',
  ] as const) {
    test(
      `while it prepares a claim, at ${point}, prepares it with the same devices after its start`,
      options,
      async () => {
        await using started = await startNode();
        const { server, node, ready, call, prepare, files } = started;
        allocate(server, node.name, 'netMvp0', 'netMvp1');
        const armed = started.runArmed(point);
        const dying = await ready();
        await assert.rejects(call(dying, 'NodePrepareResources'));
        await armed.exit;
        started.run();
        const endpoint = await until(ready, (found) => found !== dying);
        assert.deepEqual(await prepare(endpoint), ['net-0', 'net-1']);
        for (const id of ['netMvp0', 'netMvp1']) await assertOwnTap(node.namespace, id, tapOf(node.name, id));
        assert.equal((await showMacvtaps(node.namespace)).length, 2);
        assert.deepEqual(await files(), ['kube-macvtap-claim-claim-1.json']);
      },
    );
  }

  for (const point of ['claim-file-removed', 'claim-unprepared'] as const) {
    test(`while it unprepares a claim, at ${point}, completes that after its start`, options, async () => {
      await using started = await startNode();
      const { server, node, ready, register, call, prepare, files } = started;
      allocate(server, node.name, 'netMvp0');
      const armed = started.runArmed(point);
      const dying = await ready();
      await prepare(dying);
      await assert.rejects(call(dying, 'NodeUnprepareResources'));
      await armed.exit;
      const isDone = point === 'claim-unprepared';
      assert.equal((await readRecords(node)).netMvp0?.claim?.uid, isDone ? undefined : claim.uid);
      // Kubelet does not know of the release, and needs the driver, although the node no longer uses DRA.
      if (isDone) put(server, nodeObject(node.name, { [allocationLabel]: 'DevicePlugin' }));
      started.run('--allocation-by-label', 'On');
      const endpoint = await until(isDone ? register : ready, (found) => found !== dying);
      assert.deepEqual(await call(endpoint, 'NodeUnprepareResources'), { error: '' });
      await until(
        () => showDevice(node.namespace, 'netMvp0'),
        (link) => link === undefined,
      );
      assert.deepEqual(await files(), []);
      assert.equal(existsSync(tapOf(node.name, 'netMvp0')), false);
    });
  }

  test(
    'does not need kubelet for a claim that no longer exists: it is unprepared after the grace period',
    options,
    async () => {
      await using started = await startNode();
      const { server, node, ready, prepare, files } = started;
      started.run();
      const endpoint = await ready();
      allocate(server, node.name, 'netMvp0');
      await prepare(endpoint);
      server.store.remove(`ResourceClaim/${claim.namespace}/${claim.name}`);
      await until(files, ({ length }) => length === 0);
      await until(
        () => readRecords(node),
        (records) => Object.keys(records).length === 0,
      );
    },
  );
});

suite('a CDI directory on a disk', { concurrency: 2 }, () => {
  const disks = [
    ['that is full', 'fill', 'free', 'ENOSPC'],
    ['that is read-only', 'protect', 'release', 'EROFS'],
  ] as const;
  for (const [title, spoil, repair, reason] of disks) {
    test(
      `${title} makes a claim fail with the reason and leaves nothing, and works again afterwards`,
      options,
      async () => {
        await using started = await startNode();
        const { server, node, ready, call, prepare, files, cdi } = started;
        await using disk = await mountSmallDisk(cdi);
        const change = { ...disk, protect: () => disk.remount('ro'), release: () => disk.remount('rw') };
        started.run();
        const endpoint = await ready();
        allocate(server, node.name, 'netMvp0', 'netMvp1');
        await change[spoil]();
        const isRefused = ({ error = '' } = {}) => new RegExp(`^cannot write ${cdi}/.*${reason}`).test(error);
        const readAnswer = async () => (await call(endpoint, 'NodePrepareResources')) ?? { error: '' };
        const before = await files();
        // The first answers can have another reason, because a claim is refused before the first plan.
        await until(readAnswer, isRefused);
        assert.ok(isRefused(await readAnswer()));
        assert.deepEqual(await files(), before);
        assert.deepEqual(await showMacvtaps(node.namespace), []);
        assert.deepEqual(await readRecords(node), {});

        await change[repair]();
        assert.deepEqual(await prepare(endpoint), ['net-0', 'net-1']);
        for (const id of ['netMvp0', 'netMvp1']) await assertOwnTap(node.namespace, id, tapOf(node.name, id));

        await change[spoil]();
        // A file can be removed from a full disk, but not from a read-only one.
        const answer = await call(endpoint, 'NodeUnprepareResources');
        if (reason === 'EROFS') {
          assert.ok(isRefused(answer));
          assert.equal((await readRecords(node)).netMvp1?.claim?.uid, claim.uid);
          await change[repair]();
          assert.deepEqual(await call(endpoint, 'NodeUnprepareResources'), { error: '' });
        } else assert.deepEqual(answer, { error: '' });
        await until(
          () => readRecords(node),
          (records) => Object.keys(records).length === 0,
        );
        assert.deepEqual(await showMacvtaps(node.namespace), []);
        assert.deepEqual(
          (await files()).filter((name) => name !== 'filler'),
          [],
        );
      },
    );
  }
});
