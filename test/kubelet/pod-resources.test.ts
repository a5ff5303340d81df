// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listHeldDevices } from '../../nodeplugin/podresources/held-devices.ts';
import type { HeldRow } from './held-table.ts';
import { type PodResourcesOptions, type PodResourcesServer, startPodResources } from './pod-resources-server.ts';

const resourcePrefix = 'macvtap.network.kubevirt.io/';

async function serve(held: PodResourcesOptions['held']): Promise<PodResourcesServer> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-list-')));
  const server = undo.use(await startPodResources({ socketPath: join(path, 'kubelet.sock'), held }));
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
