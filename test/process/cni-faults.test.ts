// SPDX-License-Identifier: Apache-2.0
// Kills the real node plugin at every step of ADD and DEL. The next calls of the container runtime must recover.
import assert from 'node:assert/strict';
import { readdir, readlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { linkName } from '../../policy/device/device-id.ts';
import { type FaultPointName, faultPoints } from '../../runtime/fault-points.ts';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached, assertNothingLeft } from './attached-link.ts';
import { type AdmittedPod, makeShimNode, needsRealShim, readRecords, type ShimNode } from './shim-node.ts';
import { showMacvtaps } from './shown-macvtaps.ts';
import type { RunningProcess } from './start-process.ts';

const options = { skip: needsRealShim };
const ok = { exitCode: 0, output: undefined };

/** Every crash point of the CNI server, with the request that reaches it. */
const table = {
  'cni-add-node-free': 'ADD',
  'cni-add-recorded': 'ADD',
  'cni-add-link-made': 'ADD',
  'cni-add-node-owned': 'ADD',
  'cni-del-link-gone': 'DEL',
  'cni-del-recorded': 'DEL',
  'cni-tombstone-done': 'tombstone',
} as const satisfies Partial<Record<FaultPointName, string>>;

/** The crash points in the first change of the ledger that a process makes. */
const ledgerPoints = [
  'ledger-before-write',
  'file-temporary-made',
  'file-before-rename',
  'file-after-rename',
  'ledger-after-write',
] as const satisfies readonly FaultPointName[];

type Fault = Parameters<ShimNode['runArmed']>[0];

const pointsOf = (way: (typeof table)[keyof typeof table]): readonly Fault[] =>
  (Object.keys(table) as (keyof typeof table)[]).filter((point) => table[point] === way);

/** The ways in which a runtime may react to an ADD without an answer. */
const recoveries = [
  { title: 'cleans up, and makes another sandbox', makesAnother: true, cleansUp: true },
  { title: 'makes another sandbox at once', makesAnother: true, cleansUp: false },
  { title: 'repeats the same ADD', makesAnother: false, cleansUp: false },
] as const;

test('the table has exactly the crash points of the CNI server', () => {
  const expected = Object.keys(faultPoints).filter((name) => name.startsWith('cni-'));
  assert.deepEqual(Object.keys(table).toSorted(), expected.toSorted());
});

/**
 * Allocates a device, attaches it if `attachTo` is set, and then starts a node plugin that will kill itself at the
 * point.
 */
async function prepare(node: ShimNode, fault: Fault, attachTo?: NetworkNamespace) {
  // Allocate also changes the ledger. A point in the first change must therefore be armed only after Allocate.
  const isNext = ledgerPoints.some((point) => point === fault);
  const before = isNext ? node.run() : node.runArmed(fault);
  await node.offers({ net: 2 });
  const pod = await node.admit();
  const conf = { deviceID: pod.id };
  if (attachTo !== undefined) {
    const { exitCode, output } = await node.call('ADD', { containerID: 'first', netns: attachTo.path, conf });
    assert.equal(exitCode, 0, JSON.stringify(output));
  }
  if (!isNext) return { armed: before, pod, conf };
  await before.stop();
  await node.isGone('net');
  const armed = node.runArmed(fault);
  await armed.waitForLine(/resource registered/);
  return { armed, pod, conf };
}

async function succeed(node: ShimNode, armed: RunningProcess): Promise<RunningProcess> {
  assert.equal((await armed.exit).signal, 'SIGKILL', armed.output);
  const successor = node.run();
  await successor.waitForLine(/resource registered/);
  return successor;
}

/**
 * Asserts that the admitted pod runs with its own tap, and that no other namespace has a link. The end of the pod must
 * leave nothing.
 */
async function assertRight(
  node: ShimNode,
  plugin: RunningProcess,
  { id, tapPath, allocation }: AdmittedPod,
  { containerID, namespace }: { readonly containerID: string; readonly namespace: NetworkNamespace },
  other: NetworkNamespace,
): Promise<void> {
  await assertAttached(namespace, tapPath);
  const elsewhere = await Promise.all([showMacvtaps(other), showMacvtaps(node.namespace)]);
  assert.deepEqual(elsewhere, [[], []], 'there is one link');
  await node.kubelet.startContainer(allocation);
  const call = { containerID, netns: namespace.path, conf: { deviceID: id } };
  assert.deepEqual(await node.call('CHECK', call), ok);
  assert.deepEqual(await node.call('DEL', call), ok);
  await assertNothingLeft(tapPath, namespace, other, node.namespace);
  assert.equal((await readRecords(node))[id]?.attachment, undefined);
  // Both devices can be allocated again immediately.
  node.kubelet.release(allocation);
  const [again, another] = [await node.admit('vm-b'), await node.admit('vm-c')];
  assert.deepEqual([again.id, another.id].toSorted(), ['netMvp0', 'netMvp1']);
  const made = (await showMacvtaps(node.namespace)).map(({ ifname }) => ifname);
  assert.deepEqual(made.toSorted(), ['netMvp0', 'netMvp1'].map(linkName).toSorted());
  await assertTidy(node, plugin);
}

/** Rejects if there is a temporary file, a second socket, a pending DEL or an open descriptor of a namespace. */
async function assertTidy(node: ShimNode, plugin: RunningProcess): Promise<void> {
  assert.deepEqual(await readdir(node.stateDirectory), ['ledger.json']);
  assert.deepEqual((await readdir(dirname(node.socketPath))).toSorted(), ['cni.sock', 'tombstones']);
  assert.deepEqual(await readdir(node.tombstones), []);
  assert.deepEqual(await readdir(node.binaries), ['macvtap']);
  assert.equal((await readdir(node.kubelet.directory)).length, 2);
  const directory = join('/proc', String(plugin.pid), 'fd');
  const open = await Promise.all((await readdir(directory)).map((fd) => readlink(join(directory, fd)).catch(() => '')));
  assert.deepEqual(
    open.filter((target) => /^net:|netns/.test(target)),
    [],
  );
}

// The tests mostly wait, so several can run at once.
suite('a kill at', { concurrency: 3 }, () => {
  // Each ledger point is tested with one recovery here. The CNI tests in test/kernel combine it with every recovery.
  const inAdd = [
    ...pointsOf('ADD').map((point) => ({ point, after: recoveries })),
    ...ledgerPoints.map((point, i) => ({ point, after: [recoveries[i % recoveries.length]] })),
  ];
  for (const { point, after } of inAdd) {
    for (const { title, makesAnother, cleansUp } of after.filter((recovery) => recovery !== undefined)) {
      test(`${point} of an ADD leaves a pod that is attached when the runtime ${title}`, options, async () => {
        await using node = await makeShimNode();
        await using first = await makeNetworkNamespace();
        await using second = await makeNetworkNamespace();
        const { armed, pod, conf } = await prepare(node, point);
        const add = { containerID: 'first', netns: first.path, conf };
        const { exitCode, output } = await node.call('ADD', add);
        assert.deepEqual([exitCode, output?.code], [1, 11], 'the error asks for a retry');
        const successor = await succeed(node, armed);
        if (cleansUp) assert.deepEqual(await node.call('DEL', add), ok);
        const [here, other] = makesAnother ? [second, first] : [first, second];
        const sandbox = { containerID: makesAnother ? 'second' : 'first', namespace: here };
        const again = await node.call('ADD', { ...add, containerID: sandbox.containerID, netns: here.path });
        assert.equal(again.exitCode, 0, JSON.stringify(again.output));
        await assertRight(node, successor, pod, sandbox, other);
      });
    }
  }

  const inDel = [...pointsOf('DEL'), ...ledgerPoints];
  for (const point of inDel) {
    test(
      `${point} of a DEL is recovered from the shim's file, and the pod can get another sandbox`,
      options,
      async () => {
        await using node = await makeShimNode();
        await using first = await makeNetworkNamespace();
        await using second = await makeNetworkNamespace();
        const { armed, pod, conf } = await prepare(node, point, first);
        const del = { containerID: 'first', netns: first.path, conf };
        assert.deepEqual(await node.call('DEL', del), ok);
        assert.deepEqual(await readdir(node.tombstones), ['first:net1']);
        const successor = await succeed(node, armed);
        await assertNothingLeft(pod.tapPath, first, node.namespace);
        assert.deepEqual(await node.call('DEL', del), ok);
        const add = { containerID: 'second', netns: second.path, conf };
        assert.equal((await node.call('ADD', add)).exitCode, 0);
        await assertRight(node, successor, pod, { containerID: 'second', namespace: second }, first);
      },
    );
  }

  for (const point of pointsOf('tombstone')) {
    test(`${point} leaves a pending DEL that the next process handles before it registers`, options, async () => {
      await using node = await makeShimNode();
      await using first = await makeNetworkNamespace();
      await using second = await makeNetworkNamespace();
      // The node plugin is killed during its DEL. Its successor is killed while it handles the pending DEL that the
      // shim left.
      const { armed, pod, conf } = await prepare(node, 'cni-del-link-gone', first);
      await node.call('DEL', { containerID: 'first', netns: first.path, conf });
      assert.equal((await armed.exit).signal, 'SIGKILL', armed.output);
      const doomed = node.runArmed(point);
      assert.equal((await doomed.exit).signal, 'SIGKILL', doomed.output);
      assert.deepEqual(await readdir(node.tombstones), ['first:net1']);
      const successor = await succeed(node, doomed);
      const add = { containerID: 'second', netns: second.path, conf };
      assert.equal((await node.call('ADD', add)).exitCode, 0);
      await assertRight(node, successor, pod, { containerID: 'second', namespace: second }, first);
    });
  }
});
