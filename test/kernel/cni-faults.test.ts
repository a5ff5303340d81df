// SPDX-License-Identifier: Apache-2.0
// Kills the node plugin's CNI server at every step of ADD and DEL. The next requests must recover.
import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { encodeFrame } from '../../nodeplugin/cni/shim/frame.ts';
import { Ledger } from '../../nodeplugin/ledger/ledger.ts';
import { type FaultPointName, faultPoints } from '../../runtime/fault-points.ts';
import { startProcess } from '../process/start-process.ts';
import { callPlugin, makeBareNode, type PodCall, toShimCall } from './cni-node.ts';
import { openCNIPlugin, tombstonesOf } from './cni-plugin.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { readTapOwner } from './tap-owner.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot, timeout: 180_000 };
const device = 'netMvp0';
const conf = { deviceID: device };
const program = fileURLToPath(new URL('./cni-program.ts', import.meta.url));

/** The request that brings the process to each crash point. */
const table = {
  'cni-add-node-free': 'ADD',
  'cni-add-recorded': 'ADD',
  'cni-add-link-made': 'ADD',
  'cni-add-node-owned': 'ADD',
  'cni-del-link-gone': 'DEL',
  'cni-del-recorded': 'DEL',
  'cni-tombstone-done': 'tombstone',
} as const satisfies Partial<Record<FaultPointName, string>>;

/**
 * The crash points in every change of the ledger. An ADD and a DEL each change the ledger between their other steps.
 */
const ledgerPoints = [
  'ledger-before-write',
  'file-temporary-made',
  'file-before-rename',
  'file-after-rename',
  'ledger-after-write',
] as const;

test('the table has exactly the crash points of the CNI server', () => {
  const expected = Object.keys(faultPoints).filter((name) => name.startsWith('cni-'));
  assert.deepEqual(Object.keys(table).toSorted(), expected.toSorted());
});

interface Node {
  readonly name: string;
  readonly directory: string;
}

function start({ name, directory }: Node, fault?: FaultPointName) {
  return startProcess({
    name: 'the CNI server',
    command: [process.execPath, program, directory, name],
    environment: { MACVTAP_TEST_FAULT: fault ?? '' },
  });
}

/** Allocates the device, as kubelet does before a pod starts. Attaches it if `attachTo` is set. */
async function prepare(node: Node, attachTo?: NetworkNamespace): Promise<string> {
  await using plugin = await openCNIPlugin({ directory: node.directory, nodeName: node.name });
  const tapPath = await plugin.allocate(device);
  if (attachTo !== undefined) await call(node, 'ADD', { netns: attachTo.path });
  return tapPath;
}

async function call(node: Node, command: string, pod: PodCall): Promise<void> {
  const { exitCode, output } = await callPlugin(node.directory, command, { conf, ...pod });
  assert.equal(exitCode, 0, JSON.stringify(output));
}

async function die(node: Node, fault: FaultPointName, command: string, pod: PodCall): Promise<void> {
  await using armed = start(node, fault);
  await armed.waitForLine(/^ready$/);
  await assert.rejects(callPlugin(node.directory, command, { conf, ...pod }));
  assert.equal((await armed.exit).signal, 'SIGKILL', armed.output);
}

/** Asserts that the pod has its link and no other pod has one. After a DEL, no link may exist. */
async function assertRight(
  node: Node,
  tapPath: string,
  pod: NetworkNamespace,
  containerID: string,
  others: readonly NetworkNamespace[],
) {
  const [link, ...more] = await pod.ipJSON<{ ifname: string; address: string }>('link show type macvtap');
  assert.deepEqual([link?.ifname, more], ['net1', []]);
  assert.deepEqual(await readTapOwner(tapPath), { name: 'net1', macAddress: link?.address });
  assert.deepEqual([(await lstat(tapPath)).uid, (await lstat(tapPath)).gid], [107, 107]);
  await call(node, 'DEL', { netns: pod.path, containerID });
  for (const namespace of [pod, here, ...others])
    assert.deepEqual(await namespace.ipJSON('link show type macvtap'), []);
  await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
}

async function assertDetached({ name: nodeName, directory }: Node): Promise<void> {
  await using ledger = await Ledger.open({ directory, nodeName, onWarning: assert.fail });
  assert.equal(ledger.get(device)?.attachment, undefined);
  assert.ok(ledger.get(device), 'the device is known as long as its pod holds it');
}

/** The ways in which a runtime may react to an ADD without an answer. */
const recoveries = [
  { title: 'cleans up, and makes another sandbox', again: 'new', cleanUp: true },
  { title: 'makes another sandbox at once', again: 'new', cleanUp: false },
  { title: 'repeats the same ADD', again: 'same', cleanUp: false },
] as const;

const pointsOf = (way: string) =>
  (Object.keys(table) as (keyof typeof table)[]).filter((point) => table[point] === way);

for (const point of [...pointsOf('ADD'), ...ledgerPoints]) {
  for (const { title, again, cleanUp } of recoveries) {
    test(`after a kill at ${point} of an ADD, the pod is attached when the runtime ${title}`, options, async () => {
      await using node = await makeBareNode(here);
      await using first = await makeNetworkNamespace();
      await using second = await makeNetworkNamespace();
      const tapPath = await prepare(node);
      await die(node, point, 'ADD', { netns: first.path, containerID: 'first' });
      await using successor = start(node);
      await successor.waitForLine(/^ready$/);
      if (cleanUp) await call(node, 'DEL', { netns: first.path, containerID: 'first' });
      const [pod, containerID, other] =
        again === 'new' ? ([second, 'second', first] as const) : ([first, 'first', second] as const);
      await call(node, 'ADD', { netns: pod.path, containerID });
      await assertRight(node, tapPath, pod, containerID, [other]);
      assert.deepEqual(await successor.stop(), { code: 0, signal: null });
      await assertDetached(node);
    });
  }
}

for (const point of [...pointsOf('DEL'), ...ledgerPoints]) {
  test(
    `after a kill at ${point} of a DEL, the next DEL succeeds, and another sandbox is attached`,
    options,
    async () => {
      await using node = await makeBareNode(here);
      await using first = await makeNetworkNamespace();
      await using second = await makeNetworkNamespace();
      const tapPath = await prepare(node, first);
      await die(node, point, 'DEL', { netns: first.path });
      await using successor = start(node);
      await successor.waitForLine(/^ready$/);
      await call(node, 'DEL', { netns: first.path });
      await call(node, 'ADD', { netns: second.path, containerID: 'second' });
      await assertRight(node, tapPath, second, 'second', [first]);
      assert.deepEqual(await successor.stop(), { code: 0, signal: null });
      await assertDetached(node);
    },
  );
}

/** Writes the file that the shim leaves after a DEL without an answer. */
async function storePendingDel({ directory }: Node, pod: PodCall): Promise<void> {
  const { environment, conf: given } = toShimCall('DEL', { conf, ...pod });
  const frame = encodeFrame({
    type: 'request',
    environment: new Map(Object.entries(environment)),
    stdin: new TextEncoder().encode(JSON.stringify(given)),
  });
  await mkdir(tombstonesOf(directory), { recursive: true });
  await writeFile(join(tombstonesOf(directory), `${environment.CNI_CONTAINERID}:${environment.CNI_IFNAME}`), frame);
}

test(
  'a pending DEL is processed at the start, even if an earlier process was killed while it processed it',
  options,
  async () => {
    await using node = await makeBareNode(here);
    await using pod = await makeNetworkNamespace();
    const tapPath = await prepare(node, pod);
    await storePendingDel(node, { netns: pod.path });
    await using armed = start(node, 'cni-tombstone-done');
    assert.equal((await armed.exit).signal, 'SIGKILL', armed.output);
    await using successor = start(node);
    await successor.waitForLine(/^ready$/);
    assert.deepEqual(await readdir(tombstonesOf(node.directory)), []);
    await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
    await call(node, 'ADD', { netns: pod.path, containerID: 'second' });
    await assertRight(node, tapPath, pod, 'second', []);
  },
);

test(
  "pending DELs of other containers and invalid ones do not affect the device's current container",
  options,
  async () => {
    await using node = await makeBareNode(here);
    await using pod = await makeNetworkNamespace();
    const tapPath = await prepare(node, pod);
    await storePendingDel(node, { netns: pod.path, containerID: 'before' });
    await storePendingDel(node, { netns: pod.path, ifname: 'net2' });
    await writeFile(join(tombstonesOf(node.directory), 'broken'), 'KMVT?');
    await mkdir(join(tombstonesOf(node.directory), 'directory'));
    await using plugin = start(node);
    await plugin.waitForLine(/^ready$/);
    assert.deepEqual(await readdir(tombstonesOf(node.directory)), []);
    await assertRight(node, tapPath, pod, 'c1', []);
    await plugin.stop();
    assert.match(plugin.output, /trouble TombstoneFailed: .*broken/);
  },
);

test('a process with only CAP_NET_ADMIN, and with a read-only /dev, can do all of it', options, async () => {
  await using node = await makeBareNode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await prepare(node);
  await using plugin = startProcess({
    name: 'the CNI server with only its rights',
    command: bounded('+net_admin', node),
  });
  await plugin.waitForLine(/^ready$/);
  const status = await callPlugin(node.directory, 'STATUS', { conf: { cniVersion: '1.1.0' } });
  assert.deepEqual(status, { exitCode: 0, output: undefined });
  await call(node, 'ADD', { netns: pod.path });
  await call(node, 'CHECK', { netns: pod.path });
  await assertRight(node, tapPath, pod, 'c1', []);
});

test('without CAP_NET_ADMIN, ADD and STATUS name the missing capability', options, async () => {
  await using node = await makeBareNode(here);
  await using pod = await makeNetworkNamespace();
  await prepare(node);
  await using plugin = startProcess({ name: 'the CNI server without rights', command: bounded('-net_admin', node) });
  await plugin.waitForLine(/^ready$/);
  for (const [command, netns] of [
    ['ADD', pod.path],
    ['STATUS', ''],
  ] as const) {
    const { exitCode, output } = await callPlugin(node.directory, command, {
      netns,
      conf: { ...conf, cniVersion: '1.1.0' },
    });
    assert.equal(exitCode, 1);
    assert.match(String(output?.msg), /CAP_NET_ADMIN/);
  }
});

/**
 * Limits a process like the container of the node plugin: no new privileges, a read-only /dev, and no capability except
 * CAP_NET_ADMIN, if it is given.
 */
function bounded(capability: '+net_admin' | '-net_admin', { name, directory }: Node): [string, ...string[]] {
  const rights = [
    '--no-new-privs',
    '--bounding-set',
    `-all,${capability}`,
    '--inh-caps',
    '-all',
    '--ambient-caps',
    '-all',
  ];
  const run = ['setpriv', ...rights, process.execPath, program, directory, name].join(' ');
  return ['unshare', '--mount', 'sh', '-c', `mount --bind /dev /dev && mount -o remount,bind,ro /dev && exec ${run}`];
}
