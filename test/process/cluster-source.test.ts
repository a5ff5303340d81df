// SPDX-License-Identifier: Apache-2.0
// Tests the real node plugin process with an API server as its source. The API server is a stand-in.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StoredObject } from '../apiserver-standin/object-store.ts';
import { type StandInApiServer, startApiServer } from '../apiserver-standin/start-api-server.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import { makePluginNode, nodeObject, type PluginNode, policyObject, quick } from './plugin-node.ts';
import { kubeconfigFor, type Reach, reachFromNamespace } from './reach-from-namespace.ts';
import { until } from './until.ts';

const options = { skip: needsRoot };

interface ClusterNode extends AsyncDisposable {
  readonly node: PluginNode;
  readonly server: StandInApiServer;
  readonly reach: Reach;
  start(...flags: readonly string[]): ReturnType<PluginNode['start']>;
  put(object: object): StoredObject;
  /** Resolves with the node's state once `isWanted` accepts it. */
  state(isWanted: (state: State | undefined) => boolean): Promise<State>;
}

interface State extends StoredObject {
  readonly status?: {
    readonly pluginVersion?: string;
    readonly resources?: readonly { name: string; parent: string; held?: number; health: string; code?: string }[];
    readonly observedPolicies?: readonly { name: string; generation: number }[];
  };
}

async function makeClusterNode(): Promise<ClusterNode> {
  await using undo = new AsyncDisposableStack();
  const node = undo.use(await makePluginNode(['eth0', 'eth1']));
  const server = undo.use(await startApiServer());
  const reach = undo.use(await reachFromNamespace(node.namespace, Number(new URL(server.url).port)));
  const kubeconfig = join(node.kubeletDirectory, 'kubeconfig');
  // The node plugin accepts plain HTTP only with this setting.
  const insecure = { 'insecure-skip-tls-verify': true };
  await writeFile(kubeconfig, kubeconfigFor(`http://${reach.host}:${reach.port}`, insecure));
  const scope = undo.move();
  return {
    node,
    server,
    reach,
    start: (...flags) => node.start('--source', 'cluster', '--kubeconfig', kubeconfig, ...flags),
    put: (object) => server.store.put(object as Parameters<StandInApiServer['store']['put']>[0]),
    state: async (isWanted) =>
      (await until(
        async () => server.store.get(`MacvtapNetworkNodeState/${node.name}`) as State | undefined,
        isWanted,
      )) as State,
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

const policy = (parentIface: string, quantity: number) =>
  policyObject('p', { parentSelector: [{ parentIface, mode: 'bridge', quantity, resourceName: 'net' }] });
const count = (text: string, pattern: RegExp) => text.match(new RegExp(pattern, 'g'))?.length ?? 0;

test("policies and labels of a cluster are followed, and the node's state is written to it", options, async () => {
  await using cluster = await makeClusterNode();
  const { node, server, put, state } = cluster;
  const { uid } = put(nodeObject(node.name, {})).metadata;
  put(nodeObject('another', { 'parent-iface.macvtap.network.kubevirt.io/eth0': '' }));
  put(policy('eth0', 3));
  cluster.start();
  await node.offers({ net: 3 });
  const written = await state((seen) => seen?.status?.resources?.length === 1);
  assert.deepEqual(written.metadata.ownerReferences, [{ apiVersion: 'v1', kind: 'Node', name: node.name, uid }]);
  assert.deepEqual(
    written.status?.resources?.map(({ name, parent, health }) => [name, parent, health]),
    [['net', 'eth0', 'Healthy']],
  );
  assert.deepEqual(written.status?.observedPolicies, [{ name: 'macvtap-cni/p', generation: 1 }]);

  put(policy('eth0', 5));
  await node.offers({ net: 5 });
  await state((seen) => seen?.status?.observedPolicies?.[0]?.generation === 2);
  server.store.remove('MacvtapNetworkNodePolicy/macvtap-cni/p');
  put(nodeObject(node.name, { 'parent-iface.macvtap.network.kubevirt.io/eth1': '' }));
  await node.offers({ eth1: 100 });
  await node.namespace.ip('link del eth1');
  const broken = await state((seen) => seen?.status?.resources?.[0]?.health === 'Unhealthy');
  assert.equal(broken.status?.resources?.[0]?.code, 'NothingFound');

  const others = /namespaces\?|network-attachment-definitions|GET .*macvtapnetworknodestates/;
  assert.deepEqual(
    server.requests.filter((request) => others.test(request)),
    [],
    'only objects that concern the node are read',
  );
  const nodes = server.requests.filter((request) => request.includes('/api/v1/nodes?'));
  assert.ok(nodes.length > 0 && nodes.every((request) => request.includes(`metadata.name%3D${node.name}`)));
});

test(
  'while the API server is down, the node keeps its resources, logs once, and applies changes afterwards',
  options,
  async () => {
    await using cluster = await makeClusterNode();
    const { node, reach, put, state } = cluster;
    put(nodeObject(node.name, {}));
    put(policy('eth0', 3));
    const plugin = cluster.start();
    await node.offers({ net: 3 });
    await state((seen) => seen !== undefined);
    const messages = node.messages('net');
    await reach.close();
    await plugin.waitForLine(/out of reach; the last data stays in force/);
    put(policy('eth0', 7));
    await node.allocate('net');
    await node.offers({ net: 3 });
    assert.equal(node.messages('net'), messages, 'kubelet got no message about it');
    await reach.open();
    await node.offers({ net: 7 });
    await plugin.waitForLine(/problem of the source resolved/);
    await state((seen) => seen?.status?.observedPolicies?.[0]?.generation === 2);
    assert.equal(count(plugin.output, /out of reach/), 1, plugin.output);
    assert.equal(count(plugin.output, /resource registered/), 1);
  },
);

test('the state shows how many devices of a resource pods hold at each moment', options, async () => {
  await using cluster = await makeClusterNode();
  const { node, put, state } = cluster;
  put(nodeObject(node.name, {}));
  put(policy('eth0', 3));
  cluster.start(...quick);
  await node.offers({ net: 3 });
  const untilHeld = (count: number) => state((seen) => seen?.status?.resources?.[0]?.held === count);
  await untilHeld(0);
  const { ids } = await node.allocate('net', 2);
  await untilHeld(2);
  node.release('net', ids.slice(1));
  await untilHeld(1);
});

test(
  'without an API server, the start waits and logs the reason, and continues once the server answers',
  options,
  async () => {
    await using cluster = await makeClusterNode();
    const { node, reach, put } = cluster;
    put(nodeObject(node.name, {}));
    put(policy('eth0', 3));
    await reach.close();
    const plugin = cluster.start();
    await plugin.waitForLine(/the objects of the cluster were not read yet/);
    // The log line may come before or after `ready`: if an answer takes too long, the source opens without it.
    await plugin.waitForLine(/ECONNREFUSED/);
    await reach.open();
    await node.offers({ net: 3 });
  },
);

test('held devices are served without an API server, and all others once it answers', options, async () => {
  await using cluster = await makeClusterNode();
  const { node, reach, put } = cluster;
  put(nodeObject(node.name, {}));
  put(policy('eth0', 3));
  const first = cluster.start(...quick);
  await node.offers({ net: 3 });
  const allocation = await node.kubelet.allocate('macvtap.network.kubevirt.io/net', 1);
  first.signal('SIGKILL');
  await first.exit;
  await node.isGone('net');
  await reach.close();
  cluster.start(...quick);
  await node.lists('net', allocation.deviceIds);
  await node.kubelet.startContainer(allocation);
  // The policy is unknown, so the node plugin offers only the held device.
  await assert.rejects(node.allocate('net'), /Requested: 1, Available: 0/);
  await reach.open();
  await node.offers({ net: 3 });
});

test('SIGTERM ends the process normally, whether the API server answers or not', options, async () => {
  await using cluster = await makeClusterNode();
  const { node, reach, put } = cluster;
  put(nodeObject(node.name, {}));
  put(policy('eth0', 3));
  for (const isAway of [false, true]) {
    const plugin = cluster.start();
    await node.offers({ net: 3 });
    if (isAway) {
      await reach.close();
      await plugin.waitForLine(/out of reach/);
    }
    plugin.signal('SIGTERM');
    assert.deepEqual(await plugin.exit, { code: 0, signal: null });
    await node.isGone('net');
  }
});

test(
  'a refused Allocate fails although its event cannot be written; the event is written once the server answers',
  options,
  async () => {
    await using cluster = await makeClusterNode();
    const { node, server, put } = cluster;
    put(nodeObject(node.name, {}));
    put(policy('eth0', 3));
    const events = () => [...server.store.objects.values()].filter(({ kind }) => kind === 'Event');
    const first = cluster.start();
    await node.offers({ net: 3 });
    // Another link uses the parent exclusively, which only the kernel knows.
    await node.namespace.ip('link add exclusive link eth0 type macvlan mode passthru');
    server.intercept(({ kind }) => (kind === 'Event' ? 'hang' : undefined));
    for (let time = 0; time < 3; time += 1) await assert.rejects(node.allocate('net'), /on parent eth0/);
    await until(
      async () => server.requests.filter((request) => request.includes('/events')).length,
      (requests) => requests > 0,
    );
    first.signal('SIGTERM');
    assert.deepEqual(await first.exit, { code: 0, signal: null });
    await node.isGone('net');

    server.intercept(undefined);
    cluster.start();
    await node.offers({ net: 3 });
    await assert.rejects(node.allocate('net'), /on parent eth0/);
    const [event] = await until(
      async () => events(),
      ({ length }) => length > 0,
    );
    const about = { apiVersion: 'v1', kind: 'Node', name: node.name, uid: node.name };
    assert.deepEqual([event?.reason, event?.involvedObject], ['AllocateFailed', about]);
    assert.match(
      String(event?.message),
      /^Allocate of resource net: device netMvp\d of resource net on parent eth0: .*\)$/,
    );
  },
);
