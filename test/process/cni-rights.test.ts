// SPDX-License-Identifier: Apache-2.0
// Tests the real node plugin with its container's privileges: only CAP_NET_ADMIN, no new privileges, and read-only /dev
// and /run/netns.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached, assertNothingLeft } from './attached-link.ts';
import { makeShimNode, needsRealShim } from './shim-node.ts';

const options = { skip: needsRealShim };
const ok = { exitCode: 0, output: undefined };

/** CAP_NET_ADMIN is number 12 in linux/capability.h. */
const netAdmin = 1n << 12n;

/**
 * Runs its last arguments with only these capabilities, and in a mount namespace with read-only /dev and /run/netns.
 * With `slave`, later mounts below /run/netns appear in it, as with Kubernetes' HostToContainer.
 */
function bounded(capabilities: readonly string[], propagation: 'slave' | 'private' = 'slave'): readonly string[] {
  const rights = ['--bounding-set', ['-all', ...capabilities].join(), '--inh-caps', '-all', '--ambient-caps', '-all'];
  const mounts = ['/dev', '/run/netns'].map(
    (path) => `mount --rbind ${path} ${path} && mount -o remount,bind,ro ${path}`,
  );
  const script = [...mounts, 'exec "$@"'].join(' && ');
  return [
    'unshare',
    '--mount',
    '--propagation',
    propagation,
    'sh',
    '-c',
    script,
    'sh',
    'setpriv',
    '--no-new-privs',
    ...rights,
  ];
}

/** Returns the lines of proc_pid_status(5) by key, such as `CapEff:	0000000000001000`. */
async function readStatus(pid: number): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile(`/proc/${pid}/status`, 'utf8')).split('\n');
  return new Map(lines.map((line) => [line.split(':')[0] ?? '', line.split('\t')[1]?.trim() ?? '']));
}

/** Returns how the process sees a mount: `ro` or `rw`. */
async function readAccess(pid: number, mountPoint: string): Promise<string | undefined> {
  const lines = (await readFile(`/proc/${pid}/mountinfo`, 'utf8')).split('\n');
  const options = lines.findLast((line) => line.split(' ')[4] === mountPoint)?.split(' ')[5];
  return options?.split(',')[0];
}

test('CAP_NET_ADMIN is enough from Allocate to DEL, with a restart in between', options, async (t) => {
  await using node = await makeShimNode();
  const plugin = node.runUnder(bounded(['+net_admin']));
  await node.offers({ net: 2 });
  const status = await readStatus(plugin.pid);
  const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => [set, status.get(set)] as const);
  const mounts = await Promise.all(
    ['/dev', '/run/netns'].map(async (path) => [path, await readAccess(plugin.pid, path)]),
  );
  for (const [what, is] of [...sets, ['NoNewPrivs', status.get('NoNewPrivs')], ...mounts])
    t.diagnostic(`${what} ${is}`);
  assert.deepEqual(
    sets.map(([set, bits]) => [set, BigInt(`0x${bits}`)]),
    [
      ['CapInh', 0n],
      ['CapPrm', netAdmin],
      ['CapEff', netAdmin],
      ['CapBnd', netAdmin],
      ['CapAmb', 0n],
    ],
  );
  assert.equal(status.get('NoNewPrivs'), '1');
  assert.deepEqual(mounts, [
    ['/dev', 'ro'],
    ['/run/netns', 'ro'],
  ]);

  const { id, tapPath, allocation } = await node.admit();
  const conf = { deviceID: id };
  await using first = await makeNetworkNamespace();
  await using second = await makeNetworkNamespace();
  const call = (command: string, containerID: string, netns: string) =>
    node.call(command, { containerID, netns, conf });
  const { exitCode, output } = await call('ADD', 'first', first.path);
  assert.equal(exitCode, 0, JSON.stringify(output));
  await assertAttached(first, tapPath);
  await node.kubelet.startContainer(allocation);
  assert.deepEqual(await call('CHECK', 'first', first.path), ok);
  assert.deepEqual(await node.call('STATUS', { conf: { cniVersion: '1.1.0' } }), ok);

  plugin.signal('SIGKILL');
  await plugin.exit;
  await node.isGone('net');
  assert.deepEqual(await call('DEL', 'first', first.path), ok);
  const successor = node.runUnder(bounded(['+net_admin']));
  await node.offers({ net: 2 });
  await assertNothingLeft(tapPath, first, node.namespace);
  assert.equal((await call('ADD', 'second', second.path)).exitCode, 0);
  await assertAttached(second, tapPath);
  assert.deepEqual(await call('DEL', 'second', ''), ok);
  await assertNothingLeft(tapPath, first, second, node.namespace);
  node.kubelet.release(allocation);
  await successor.waitForLine(/orphan removed/);
  assert.doesNotMatch(successor.output, /EPERM|EACCES|EROFS|not permitted|Permission denied/i);
});

test('without CAP_NET_ADMIN the node plugin ends, and names the capability', options, async () => {
  await using node = await makeShimNode();
  const plugin = node.runUnder(bounded([]));
  assert.deepEqual(await plugin.exit, { code: 1, signal: null });
  assert.match(
    plugin.output,
    /^kube-macvtap-node: .*not permitted.*; give the process CAP_NET_ADMIN; see docs\/reference\/errors\.md#MissingCapability$/m,
  );
});

test('a /run/netns that does not show later namespaces is reported, with the mount to add', options, async () => {
  await using node = await makeShimNode();
  node.runUnder(bounded(['+net_admin'], 'private'));
  await node.offers({ net: 2 });
  const { id } = await node.admit();
  await using pod = await makeNetworkNamespace();
  const call = { netns: pod.path, conf: { deviceID: id } };
  const { output } = await node.call('ADD', call);
  assert.deepEqual([output?.code, output?.details], [8, 'NetnsInvalid']);
  assert.match(String(output?.msg), /\/run\/netns.* HostToContainer propagation/);
  assert.deepEqual(await node.call('DEL', call), ok, 'the pod can end nevertheless');
});

test('files in /run/netns that cannot be opened, or are not namespaces, do not hide pods', options, async () => {
  await using node = await makeShimNode();
  const plugin = node.runUnder(bounded(['+net_admin']));
  await node.offers({ net: 2 });
  const { id, tapPath, allocation } = await node.admit();
  await using pod = await makeNetworkNamespace();
  const call = { netns: pod.path, conf: { deviceID: id } };
  assert.equal((await node.call('ADD', call)).exitCode, 0);
  plugin.signal('SIGKILL');
  await plugin.exit;
  await node.isGone('net');
  await rm(node.stateDirectory, { recursive: true });

  await using _odd = await makeOddFiles();
  const successor = node.runUnder(bounded(['+net_admin']));
  assert.match(await successor.waitForLine(/devices restored to the ledger/), /netMvp0/);
  await node.offers({ net: 2 });
  await node.kubelet.startContainer(allocation);
  assert.deepEqual(await node.call('DEL', call), ok);
  await assertNothingLeft(tapPath, pod, node.namespace);
});

/**
 * Makes three files that are not namespaces: a FIFO, an unreadable file such as iproute2 makes as a mount point, and a
 * readable one. By their names, they are read before any other file.
 */
async function makeOddFiles(): Promise<AsyncDisposable> {
  const [fifo = '', ...files] = ['fifo', 'closed', 'open'].map((name) =>
    join('/run/netns', `0-${process.pid}-${name}`),
  );
  await using undo = new AsyncDisposableStack();
  await promisify(execFile)('mkfifo', [fifo]);
  undo.defer(() => rm(fifo));
  for (const [i, file] of files.entries()) {
    await writeFile(file, '', { mode: i === 0 ? 0o000 : 0o644 });
    undo.defer(() => rm(file));
  }
  const scope = undo.move();
  return { [Symbol.asyncDispose]: () => scope.disposeAsync() };
}
