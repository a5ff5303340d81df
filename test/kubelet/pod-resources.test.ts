// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, rename } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listHeldDevices } from '../../nodeplugin/podresources/held-devices.ts';
import { connectPodResources } from '../../nodeplugin/podresources/pod-resources-client.ts';
import type { HeldRow } from './held-table.ts';
import { type PodResourcesOptions, type PodResourcesServer, startPodResources } from './pod-resources-server.ts';

const resourcePrefix = 'macvtap.network.kubevirt.io/';

type Differences = Pick<PodResourcesOptions, 'get' | 'onCall'>;

async function serve(held: PodResourcesOptions['held'], differences: Differences = {}): Promise<PodResourcesServer> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-list-')));
  const server = undo.use(await startPodResources({ ...differences, socketPath: join(path, 'kubelet.sock'), held }));
  const moved = undo.move();
  return { ...server, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

function row(resourceName: string, deviceId: string, name: string, container = 'compute'): HeldRow {
  return { resourceName, deviceId, holder: { namespace: 'vms', name, container } };
}

test('held macvtap devices are listed, with their pods and containers', async () => {
  await using server = await serve(() => [
    row(`${resourcePrefix}data`, 'dataMvp0', 'a'),
    row('example.com/gpu', 'gpu0', 'a'),
    row(`${resourcePrefix}data`, 'dataMvp1', 'a', 'sidecar'),
    row(`${resourcePrefix}bond1`, 'bond1Mvp0', 'b'),
  ]);
  const held = await listHeldDevices({ socketPath: server.socketPath, resourcePrefix });
  assert.deepEqual(Object.fromEntries(held), {
    dataMvp0: { resource: 'data', pods: [{ namespace: 'vms', name: 'a', container: 'compute' }] },
    dataMvp1: { resource: 'data', pods: [{ namespace: 'vms', name: 'a', container: 'sidecar' }] },
    bond1Mvp0: { resource: 'bond1', pods: [{ namespace: 'vms', name: 'b', container: 'compute' }] },
  });
});

test("a response above gRPC's default limit of 4 MiB is read", async () => {
  const padding = 'x'.repeat(6 * 1024 * 1024);
  await using server = await serve(() => [row(`${resourcePrefix}data`, 'dataMvp0', padding)]);
  const held = await listHeldDevices({ socketPath: server.socketPath, resourcePrefix });
  assert.equal(held.get('dataMvp0')?.pods[0]?.name.length, padding.length);
});

test('a missing socket is named, with what to check', async () => {
  const socketPath = join(tmpdir(), 'kmt-nowhere', 'kubelet.sock');
  await assert.rejects(listHeldDevices({ socketPath, resourcePrefix }), {
    code: 'PodResourcesSocketMissing',
    message: /kmt-nowhere\/kubelet\.sock.*ENOENT.*--kubelet-dir/,
  });
});

test('a socket that an ended kubelet left behind is an error', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-list-'));
  const socketPath = join(directory.path, 'kubelet.sock');
  const server = createServer().listen(`${socketPath}.1`);
  await once(server, 'listening');
  await rename(`${socketPath}.1`, socketPath);
  server.close();
  await once(server, 'close');
  await assert.rejects(listHeldDevices({ socketPath, resourcePrefix }), {
    code: 'PodResourcesUnavailable',
    message: /kubelet\.sock.*ECONNREFUSED/,
  });
});

test('the error of a kubelet that refuses is quoted', async () => {
  await using server = await serve(() => {
    throw new Error('no checkpoint');
  });
  await assert.rejects(listHeldDevices({ socketPath: server.socketPath, resourcePrefix }), {
    code: 'PodResourcesUnavailable',
    message: /UNKNOWN: Error: no checkpoint/,
  });
});

test('a request that kubelet does not answer ends after a timeout, or when the scope ends', async () => {
  const asked = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  await using server = await serve(() => {
    asked.resolve();
    return never;
  });
  const { socketPath } = server;
  await assert.rejects(listHeldDevices({ socketPath, resourcePrefix, timeoutMs: 50 }), {
    code: 'PodResourcesUnavailable',
    message: /DEADLINE_EXCEEDED/,
  });
  const scope = new AbortController();
  const waiting = listHeldDevices({ socketPath, resourcePrefix, signal: scope.signal });
  await asked.promise;
  scope.abort(new Error('over'));
  await assert.rejects(waiting, { code: 'Aborted' });
});

const twoPods = () => [row(`${resourcePrefix}data`, 'dataMvp0', 'a'), row(`${resourcePrefix}data`, 'dataMvp1', 'b')];

test('one pod is returned with its devices, and an unknown pod is not found', async () => {
  await using server = await serve(twoPods);
  using kubelet = connectPodResources(server.socketPath);
  const found = await kubelet.get({ namespace: 'vms', name: 'b' });
  assert.deepEqual([found?.name, found?.containers[0]?.devices[0]?.device_ids], ['b', ['dataMvp1']]);
  assert.equal(await kubelet.get({ namespace: 'vms', name: 'c' }), undefined);
  assert.equal(await kubelet.get({ namespace: 'other', name: 'a' }), undefined);
  assert.equal((await kubelet.get({ namespace: 'vms', name: 'a' }))?.name, 'a');
});

for (const get of ['off', 'absent'] as const) {
  test(`a kubelet whose Get is ${get} is not asked a second time until it restarts`, async () => {
    const calls: string[] = [];
    const onCall = (method: string) => void calls.push(method);
    await using server = await serve(twoPods, { get, onCall });
    const { socketPath } = server;
    using kubelet = connectPodResources(socketPath);
    for (let time = 0; time < 3; time += 1) assert.equal(await kubelet.get({ namespace: 'vms', name: 'a' }), undefined);
    assert.equal((await kubelet.list()).pod_resources.length, 2);
    // A kubelet without the method answers before the stand-in can count the call.
    assert.deepEqual(calls, get === 'off' ? ['Get', 'List'] : ['List']);
    await server.stop();
    await using upgraded = await startPodResources({ socketPath, held: twoPods, onCall });
    assert.equal((await kubelet.get({ namespace: 'vms', name: 'a' }))?.name, 'a');
    await upgraded.stop();
  });
}

test('the calls of a client share a connection, and a restarted kubelet is reached with the next call', async () => {
  await using server = await serve(twoPods);
  const { socketPath } = server;
  using kubelet = connectPodResources(socketPath);
  await kubelet.list();
  await server.stop();
  await assert.rejects(kubelet.list(), { code: 'PodResourcesSocketMissing' });
  assert.equal(await kubelet.get({ namespace: 'vms', name: 'a' }), undefined);
  for (let restart = 0; restart < 3; restart += 1) {
    await using restarted = await startPodResources({ socketPath, held: twoPods });
    assert.equal((await kubelet.list()).pod_resources.length, 2);
    assert.equal((await kubelet.get({ namespace: 'vms', name: 'b' }))?.name, 'b');
    await restarted.stop();
  }
});

test('a kubelet that closes the connection and keeps its socket is asked on a new connection', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-list-'));
  await using server = await serve(twoPods);
  const proxied = join(folder.path, 'kubelet.sock');
  const clients: Socket[] = [];
  const proxy = createServer((client) => {
    clients.push(client);
    const upstream = connect(server.socketPath);
    client.on('error', () => {}).on('close', () => upstream.destroy());
    client.pipe(upstream.on('error', () => {})).pipe(client);
  });
  await once(proxy.listen(proxied), 'listening');
  using kubelet = connectPodResources(proxied);
  await kubelet.list();
  await kubelet.list();
  assert.equal(clients.length, 1);
  clients[0]?.destroy();
  assert.equal((await kubelet.list()).pod_resources.length, 2);
  assert.equal(clients.length, 2);
  clients[1]?.destroy();
  proxy.close();
});
