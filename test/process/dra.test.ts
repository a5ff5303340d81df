// SPDX-License-Identifier: Apache-2.0
// The real node plugin as a DRA driver, with the real kernel, a stand-in for an API server, and kubelet's calls.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { NodePrepareResourceResponse } from '../../nodeplugin/dra/dra-v1.pb.ts';
import { driverService, pluginRegistrationService } from '../../nodeplugin/dra/driver-services.ts';
import { dialSocket } from '../../nodeplugin/grpc-client.ts';
import { deviceIfindex } from '../../policy/device/device-id.ts';
import { draDeviceName } from '../../policy/device/dra-names.ts';
import type { FaultPointName } from '../../runtime/fault-points.ts';
import type { StandInApiServer } from '../apiserver-standin/start-api-server.ts';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { put, startServer } from './cluster-nodes.ts';
import { nodeObject } from './plugin-node.ts';
import { kubeconfigFor, reachFromNamespace } from './reach-from-namespace.ts';
import { makeShimNode, needsRealShim, podNamespace, readRecords } from './shim-node.ts';
import { assertOwnTap, showDevice, showMacvtaps } from './shown-macvtaps.ts';
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
  /** Finds the driver as kubelet does. Resolves with the path of its socket. */
  const register = async (): Promise<string> =>
    await until(
      async () => {
        for (const name of await readdir(registry).catch(() => [])) {
          using socket = dialSocket(join(registry, name));
          const info = await socket.call(pluginRegistrationService.GetInfo, {}, limits).catch(() => undefined);
          if (info === undefined) continue;
          const { NotifyRegistrationStatus } = pluginRegistrationService;
          await socket.call(NotifyRegistrationStatus, { plugin_registered: true, error: '' }, limits);
          assert.deepEqual(info.supported_versions, ['v1.DRAPlugin']);
          return info.endpoint;
        }
        return '';
      },
      (endpoint) => endpoint !== '',
    );
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
    ready,
    call,
    prepare,
    register,
    /** The sockets in kubelet's directory that belong to the driver. */
    sockets: () => readdir(registry).catch(() => []),
    files: () => readdir(cdi).catch(() => []),
    run: () => node.run(...flags),
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
    const foreign = await node.call('ADD', { pod: 'vm-b', podUID: 'pod-2', netns: namespace.path, ifname: 'net3' });
    assert.equal(foreign.output?.details?.toString().includes('DeviceMissing'), true, JSON.stringify(foreign.output));

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

test(
  'an installation that no longer allows DRA unprepares the claims of running pods, then the driver ends',
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
    assert.match(
      String((await call(draining, 'NodePrepareResources'))?.error),
      /may no longer use DRA; delete the pod/,
    );
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

  test('while it unprepares a claim completes that after its start', options, async () => {
    await using started = await startNode();
    const { server, node, ready, call, prepare, files } = started;
    allocate(server, node.name, 'netMvp0');
    const armed = started.runArmed('claim-file-removed');
    const dying = await ready();
    await prepare(dying);
    await assert.rejects(call(dying, 'NodeUnprepareResources'));
    await armed.exit;
    assert.equal((await readRecords(node)).netMvp0?.claim?.uid, claim.uid);
    started.run();
    const endpoint = await until(ready, (found) => found !== dying);
    assert.deepEqual(await call(endpoint, 'NodeUnprepareResources'), { error: '' });
    await until(
      () => showDevice(node.namespace, 'netMvp0'),
      (link) => link === undefined,
    );
    assert.deepEqual(await files(), []);
    assert.equal(existsSync(tapOf(node.name, 'netMvp0')), false);
  });

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
