// SPDX-License-Identifier: Apache-2.0
// Root calls the node plugin's CNI socket in ways that no CNI plugin would. The node plugin must keep running with
// bounded memory. It may change only devices that were allocated to the caller.
import assert from 'node:assert/strict';
import { readFile, stat, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeFrameHeader, encodeFrame, frameHeaderLength } from '../../nodeplugin/cni/shim/frame.ts';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached, assertNothingLeft } from './attached-link.ts';
import { openRawSocket, requestFrame } from './raw-socket.ts';
import { type AdmittedPod, makeShimNode, needsRealShim, readRecords, type ShimNode } from './shim-node.ts';
import { showMacvtaps } from './shown-macvtaps.ts';
import type { RunningProcess } from './start-process.ts';
import { until } from './until.ts';

const options = { skip: needsRealShim };
const ok = { exitCode: 0, output: undefined };

/** An attached pod that must not be affected. */
interface Stage {
  readonly node: ShimNode;
  readonly plugin: RunningProcess;
  readonly pod: NetworkNamespace;
  readonly victim: AdmittedPod;
  readonly environment: Readonly<Record<string, string>>;
  readonly conf: Readonly<Record<string, unknown>>;
}

async function setStage(scope: AsyncDisposableStack): Promise<Stage> {
  const node = scope.use(await makeShimNode({ quantity: 3 }));
  const plugin = node.run('--log-level', 'error');
  await node.offers({ net: 3 });
  const victim = await node.admit('vm-v');
  const pod = scope.use(await makeNetworkNamespace());
  const add = { pod: 'vm-v', containerID: 'victim', netns: pod.path, conf: { deviceID: victim.id } };
  assert.equal((await node.call('ADD', add)).exitCode, 0);
  const environment = {
    CNI_COMMAND: 'ADD',
    CNI_CONTAINERID: 'c1',
    CNI_NETNS: '/run/netns/kmt-never-was',
    CNI_IFNAME: 'net1',
    CNI_ARGS: 'K8S_POD_NAMESPACE=vms;K8S_POD_NAME=vm-a',
    CNI_PATH: '/opt/cni/bin',
  };
  const conf = { cniVersion: '1.0.0', name: 'blue', type: 'macvtap', deviceID: 'netMvp1' };
  return { node, plugin, pod, victim, environment, conf };
}

/** Asserts that the attached pod still has its link, and that another pod can be attached and detached. */
async function assertUnharmed({ node, plugin, pod, victim }: Stage, before: unknown): Promise<void> {
  assert.deepEqual(await assertAttached(pod, victim.tapPath), before);
  await node.kubelet.startContainer(victim.allocation);
  const { id, tapPath, allocation } = await node.admit('vm-b');
  await using other = await makeNetworkNamespace();
  const call = { pod: 'vm-b', containerID: 'b', netns: other.path, conf: { deviceID: id } };
  const { exitCode, output } = await node.call('ADD', call);
  assert.equal(exitCode, 0, JSON.stringify(output));
  await assertAttached(other, tapPath);
  assert.deepEqual(await node.call('DEL', call), ok);
  await assertNothingLeft(tapPath, other, node.namespace);
  node.kubelet.release(allocation);
  assert.deepEqual(await plugin.stop(), { code: 0, signal: null });
}

/** Sends bytes and returns the answer, if there is one. */
async function ask({ node }: Stage, bytes: Uint8Array) {
  using raw = openRawSocket(node.socketPath);
  raw.send(bytes);
  // Closes the connection after an incomplete request, because the plugin would wait for the rest of it.
  if (isPart(bytes)) raw.socket.end();
  const frame = await raw.next();
  if (frame?.type !== 'answer') return undefined;
  return { exitCode: frame.exitCode, output: frame.output === '' ? undefined : JSON.parse(frame.output) };
}

function isPart(bytes: Uint8Array): boolean {
  if (bytes.length < frameHeaderLength) return true;
  try {
    return bytes.length < frameHeaderLength + decodeFrameHeader(bytes).bodyLength;
  } catch {
    return false;
  }
}

/** Returns VmRSS of proc_pid_status(5), in bytes. */
async function residentBytes(pid: number): Promise<number> {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

const mebibyte = 1024 * 1024;

test('frames and configurations of every kind are answered or cut off, and affect no pod', options, async () => {
  await using scope = new AsyncDisposableStack();
  const stage = await setStage(scope);
  const before = await assertAttached(stage.pod, stage.victim.tapPath);
  const records = await readRecords(stage.node);
  const good = requestFrame(stage.environment, JSON.stringify(stage.conf));
  const bent = fc
    .tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(good.length))
    .map(([at, byte, length]) => good.with(at, byte).subarray(0, length));
  const names = Object.keys(stage.environment);
  const variables = fc.dictionary(fc.constantFrom(...names), fc.string({ unit: 'binary', maxLength: 40 }));
  const commands = fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION', 'add', '');
  const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string(), fc.integer());
  const keys = ['deviceID', 'mode', 'mtu', 'mac', 'owner', 'ipam', 'runtimeConfig', 'args', 'prevResult', '__proto__'];
  const confs = fc
    .dictionary(fc.constantFrom(...keys, 'cni.dev/valid-attachments', 'cniVersion', 'name'), values)
    .map((more) => JSON.stringify({ ...stage.conf, ...more }));
  const request = fc
    .tuple(commands, variables, fc.boolean(), fc.oneof(confs, fc.json(), fc.string()))
    .map(([CNI_COMMAND, given, isBent, conf]) =>
      requestFrame({ ...stage.environment, CNI_COMMAND, ...(isBent && given) }, conf),
    )
    .filter((bytes) => bytes.length > 0);
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 64 }), bent, request);
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 16 }), async (several) => {
      for (const answer of await Promise.all(several.map((each) => ask(stage, each)))) {
        if (answer === undefined || answer.exitCode === 0) continue;
        assert.equal(typeof answer.output.code, 'number');
        assert.notEqual(answer.output.details, 'Unexpected', JSON.stringify(answer));
      }
    }),
    { numRuns: 60 },
  );
  assert.deepEqual(await readRecords(stage.node), records);
  assert.deepEqual(await showMacvtaps(stage.node.namespace), []);
  await assertUnharmed(stage, before);
});

test('a thousand callers that never complete their requests use little memory', options, async (t) => {
  await using scope = new AsyncDisposableStack();
  const stage = await setStage(scope);
  const before = await assertAttached(stage.pod, stage.victim.tapPath);
  const resident = () => residentBytes(stage.plugin.pid);
  const atFirst = await resident();
  const longest = requestFrame(stage.environment, new Uint8Array(mebibyte));
  let most = 0;
  {
    using callers = new DisposableStack();
    // Each caller sends all but the last byte of the longest request. Together, they send a gigabyte.
    for (let count = 0; count < 1_000; count += 1) {
      callers.use(openRawSocket(stage.node.socketPath)).send(longest.subarray(0, -1));
    }
    for (let look = 0; look < 20; look += 1) {
      most = Math.max(most, await resident());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  t.diagnostic(`${Math.round(most / mebibyte)} MiB resident at most, ${Math.round(atFirst / mebibyte)} MiB before`);
  // Sixteen requests are read at once. Each may be copied as it grows. Of the other open connections (at most 512),
  // only the first 64 KiB are read.
  assert.ok(most - atFirst < (192 + 32) * mebibyte, `it grew by ${Math.round((most - atFirst) / mebibyte)} MiB`);
  await assertUnharmed(stage, before);
});

test('a request can reach no file outside the folders of namespaces, and no foreign device', options, async () => {
  await using scope = new AsyncDisposableStack();
  const stage = await setStage(scope);
  const { node, pod, victim, environment, conf } = stage;
  const before = await assertAttached(pod, victim.tapPath);
  const records = await readRecords(node);
  await using own = await makeNetworkNamespace();
  const refusedBy = async (given: object, more: object, ...details: readonly string[]) => {
    const answer = await ask(stage, requestFrame({ ...environment, ...given }, JSON.stringify({ ...conf, ...more })));
    assert.equal(answer?.exitCode, 1, JSON.stringify([given, more, answer]));
    assert.ok(details.includes(answer.output.details), JSON.stringify([given, more, answer]));
  };
  for (const CNI_NETNS of [
    '/etc/passwd',
    '/dev/null',
    victim.tapPath,
    '/run/netns',
    '/run/netns/',
    '/run/netns/..',
    '/run/netns/../../etc/passwd',
    `/run/netns/x/../${pod.name}`,
    `/run//netns/${pod.name}`,
    '/var/run/netns/../../../etc/passwd',
    '/proc/self/ns/net',
    '/proc/1/ns/mnt',
    `/proc/${process.pid}/root${pod.path}`,
    `/proc/${process.pid}/ns/net/../../../${process.pid}/ns/net`,
    `${pod.path}\n`.repeat(20),
  ]) {
    await refusedBy({ CNI_NETNS }, {}, 'CNIEnvironmentInvalid', 'NetnsInvalid');
  }
  // Symbolic links that lead out of the folder, to another file or to the node's own namespace.
  for (const target of ['/etc/passwd', node.namespace.path, victim.tapPath]) {
    const link = join('/run/netns', `0-${process.pid}-link`);
    await symlink(target, link);
    try {
      await refusedBy({ CNI_NETNS: link }, {}, 'NetnsInvalid');
    } finally {
      await unlink(link);
    }
  }
  await refusedBy({ CNI_NETNS: node.namespace.path }, {}, 'NetnsInvalid');
  for (const deviceID of ['netMvp2', '../../etc/passwd', '__proto__', 'constructor', 'netMvp-1', 'strange', '*']) {
    await refusedBy({ CNI_NETNS: own.path }, { deviceID }, 'DeviceNotAllocated');
  }
  await refusedBy({ CNI_NETNS: own.path }, { deviceID: victim.id }, 'DeviceHeldElsewhere');
  for (const CNI_IFNAME of ['../net1', '..', 'a/b', 'net%d', 'a'.repeat(16), '']) {
    await refusedBy({ CNI_NETNS: own.path, CNI_IFNAME }, {}, 'CNIEnvironmentInvalid');
  }
  await refusedBy({ CNI_NETNS: own.path, CNI_CONTAINERID: '../../etc' }, {}, 'CNIEnvironmentInvalid');
  // A DEL always succeeds, and changes nothing that belongs to another sandbox.
  for (const given of [
    { CNI_NETNS: pod.path },
    { CNI_NETNS: '/etc/passwd' },
    { CNI_NETNS: '', CNI_CONTAINERID: 'victim', CNI_IFNAME: 'net2' },
  ]) {
    const bytes = requestFrame({ ...environment, CNI_COMMAND: 'DEL', ...given }, JSON.stringify(conf));
    assert.deepEqual(await ask(stage, bytes), ok);
  }
  assert.deepEqual([await showMacvtaps(own), await showMacvtaps(node.namespace)], [[], []]);
  assert.deepEqual(await readRecords(node), records);
  assert.ok((await stat('/etc/passwd')).isFile());
  await assertUnharmed(stage, before);
});

test('from its Allocate on, a device belongs to one pod, and after the pod is gone, to none', options, async () => {
  await using node = await makeShimNode();
  // The node plugin does not query kubelet regularly here.
  node.run('--held-refresh', '1h', '--orphan-grace', '1h');
  await node.offers({ net: 2 });
  await using pod = await makeNetworkNamespace();
  await using thief = await makeNetworkNamespace();
  const { id, tapPath, allocation } = await node.admit('vm-v');
  const conf = { deviceID: id };
  const steal = async () => {
    const { exitCode, output } = await node.call('ADD', { pod: 'thief', containerID: 't', netns: thief.path, conf });
    assert.deepEqual(await showMacvtaps(thief), []);
    return [exitCode, output?.details];
  };
  assert.deepEqual(await steal(), [1, 'DeviceHeldElsewhere']);
  const call = { pod: 'vm-v', containerID: 'v', netns: pod.path, conf };
  assert.equal((await node.call('ADD', call)).exitCode, 0);
  assert.deepEqual(await steal(), [1, 'DeviceHeldElsewhere']);
  await assertAttached(pod, tapPath);
  assert.deepEqual(await node.call('DEL', call), ok);
  node.kubelet.release(allocation);
  assert.deepEqual(await steal(), [1, 'DeviceNotAllocated']);
});

test(
  'a device that kubelet released is not given to any pod, whatever its name, until it is allocated again',
  options,
  async () => {
    await using node = await makeShimNode({ quantity: 1 });
    node.run('--held-refresh', '1h', '--orphan-grace', '1h');
    await node.offers({ net: 1 });
    await using first = await makeNetworkNamespace();
    await using second = await makeNetworkNamespace();
    const { id, allocation } = await node.admit('vm-v');
    const conf = { deviceID: id };
    const call = { pod: 'vm-v', podUID: 'uid-1', containerID: 'v1', netns: first.path, conf };
    const next = { pod: 'vm-v', podUID: 'uid-2', containerID: 'v2', netns: second.path, conf };
    const attach = async (pod: typeof call) => {
      const { exitCode, output } = await node.call('ADD', pod);
      return exitCode === 0 ? 'attached' : output?.details;
    };
    assert.equal(await attach(call), 'attached');
    assert.deepEqual(await node.call('DEL', call), ok);
    // The first pod is still ending: kubelet lists the device under its name. The runtime already attaches the next pod
    // with this name.
    assert.equal(await attach(next), 'DeviceHeldElsewhere');
    node.kubelet.release(allocation);
    assert.deepEqual([await attach(next), await attach(call)], ['DeviceNotAllocated', 'DeviceNotAllocated']);
    assert.deepEqual([await showMacvtaps(first), await showMacvtaps(second)], [[], []]);
    const again = await node.admit('vm-v');
    assert.equal(again.id, id);
    assert.equal(await attach(next), 'attached');
  },
);

test("an ADD whose caller disconnects before it has changed the tap's owner leaves nothing", options, async () => {
  await using scope = new AsyncDisposableStack();
  const stage = await setStage(scope);
  const { node } = stage;
  const before = await assertAttached(stage.pod, stage.victim.tapPath);
  const { id, tapPath, allocation } = await node.admit('vm-a');
  await using pod = await makeNetworkNamespace();
  const bytes = requestFrame(
    { ...stage.environment, CNI_NETNS: pod.path },
    JSON.stringify({ ...stage.conf, deviceID: id }),
  );
  {
    using raw = openRawSocket(node.socketPath);
    raw.send(bytes);
    assert.equal((await raw.next())?.type, 'own');
  }
  await until(
    () => readRecords(node),
    (records) => records[id]?.attachment === undefined,
  );
  await assertNothingLeft(tapPath, pod, node.namespace);
  // This connection stays silent until the node plugin is asked to end.
  using raw = openRawSocket(node.socketPath);
  raw.send(bytes);
  assert.equal((await raw.next())?.type, 'own');
  // Meanwhile, the comparison of the ledger with kubelet's list of held devices also waits for this device.
  let looks = 0;
  node.list = (held) => {
    looks += 1;
    return held;
  };
  await until(
    async () => looks,
    (count) => count > 5,
  );
  stage.plugin.signal('SIGTERM');
  const answer = await raw.next();
  assert.ok(answer?.type === 'answer');
  const { code, details, msg } = JSON.parse(answer.output);
  assert.deepEqual([answer.exitCode, code, details], [1, 11, 'Aborted']);
  assert.match(
    msg,
    /^ADD of net1 for pod vms\/vm-a, network blue, device netMvp1 of resource net: the runtime or the node plugin ended the request; kubelet tries again$/,
  );
  assert.deepEqual(await stage.plugin.exit, { code: 0, signal: null });
  await assertNothingLeft(tapPath, pod, node.namespace);

  const plugin = node.run();
  await node.offers({ net: 3 });
  const call = { netns: pod.path, conf: { deviceID: id } };
  assert.equal((await node.call('ADD', call)).exitCode, 0);
  await assertAttached(pod, tapPath);
  await node.kubelet.startContainer(allocation);
  assert.deepEqual(await node.call('DEL', call), ok);
  await assertUnharmed({ ...stage, plugin }, before);
});

test('a request that is not a frame gets an error', options, async () => {
  await using scope = new AsyncDisposableStack();
  const stage = await setStage(scope);
  const good = requestFrame(stage.environment, '{}');
  const answer = encodeFrame({ type: 'answer', exitCode: 0, output: '' });
  for (const [bytes, message] of [
    [Buffer.from('GET / HTTP/1.1\r\n\r\n'), /does not begin with KMVT/],
    [
      good.with(4, 2),
      /it has version 2, and this node plugin supports version 1: install the CNI plugin of the same release$/,
    ],
    [good.with(8, 255), /bytes are more than the \d+ of a request$/],
    [good.with(frameHeaderLength, 255), /an environment claims/],
    [answer, /sent an unexpected frame of type answer; install the CNI plugin of the same release$/],
  ] as const) {
    const { exitCode, output } = (await ask(stage, bytes)) ?? {};
    assert.deepEqual([exitCode, output?.code, output?.details], [1, 6, 'CNIFrameMalformed']);
    assert.match(output.msg, message);
  }
});
