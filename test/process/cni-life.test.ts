// SPDX-License-Identifier: Apache-2.0
// Tests a pod's whole life as kubelet and a container runtime control it, with the real node plugin and the real CNI
// plugin.
import assert from 'node:assert/strict';
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { suite, test } from 'node:test';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached, assertNothingLeft } from './attached-link.ts';
import { addLink } from './plugin-node.ts';
import { makeShimNode, needsRealShim, readRecords, type ShimNode } from './shim-node.ts';
import type { RunningProcess } from './start-process.ts';
import { until } from './until.ts';

const options = { skip: needsRealShim };
const ok = { exitCode: 0, output: undefined };

async function startNode(quantity = 2): Promise<ShimNode> {
  const node = await makeShimNode({ quantity });
  node.run();
  await node.offers({ net: quantity });
  return node;
}

/** Kills the node plugin, and starts a successor that registers with kubelet. */
async function killAndRestart(node: ShimNode, plugin: RunningProcess, meanwhile = async () => {}) {
  plugin.signal('SIGKILL');
  await plugin.exit;
  await node.isGone('net');
  await meanwhile();
  const successor = node.run();
  await successor.waitForLine(/resource registered/);
  return successor;
}

// The tests mostly wait, so several can run at once.
suite('a pod', { concurrency: 3 }, () => {
  test('is attached and detached, and the next pod gets the same tap', options, async () => {
    await using node = await startNode(1);
    const taps = new Set<string>();
    for (const name of ['vm-a', 'vm-b']) {
      const { id, tapPath, allocation } = await node.admit(name);
      taps.add(tapPath);
      await using pod = await makeNetworkNamespace();
      const call = { pod: name, containerID: name, netns: pod.path, conf: { deviceID: id } };
      const { exitCode, output } = await node.call('ADD', call);
      assert.equal(exitCode, 0, JSON.stringify(output));
      const { mac } = await assertAttached(pod, tapPath);
      assert.deepEqual(output, {
        cniVersion: '1.0.0',
        interfaces: [{ name: 'net1', mac, sandbox: pod.path }],
        dns: {},
      });
      // The pod starts, and its container starts again after it has ended by itself.
      for (let start = 0; start < 2; start += 1) await node.kubelet.startContainer(allocation);
      assert.deepEqual(await node.call('CHECK', { ...call, conf: { ...call.conf, prevResult: output } }), ok);
      node.kubelet.release(allocation);
      assert.deepEqual(await node.call('DEL', call), ok);
      await assertNothingLeft(tapPath, pod, node.namespace);
      await assert.rejects(node.kubelet.startContainer(allocation), /netMvp0/);
    }
    assert.equal(taps.size, 1);
  });

  test('is attached although its network asks for IP addresses, and the log warns about it', options, async () => {
    await using node = await makeShimNode({ quantity: 1 });
    const plugin = node.run();
    await node.offers({ net: 1 });
    const { id, tapPath } = await node.admit();
    await using pod = await makeNetworkNamespace();
    const wishes = { ipam: { type: 'host-local' }, runtimeConfig: { ips: ['10.0.0.1/24'] } };
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf: { deviceID: id, ...wishes } });
    assert.equal(exitCode, 0, JSON.stringify(output));
    await assertAttached(pod, tapPath);
    await plugin.waitForLine(/network blue has ipam .* and runtimeConfig\.ips .*, which the macvtap plugin ignores/);
    assert.match(plugin.output, /NetConfUnsupported/);
  });

  test('keeps its tap and address in a recreated sandbox, and a late DEL does not change them', options, async () => {
    await using node = await startNode();
    const { id, tapPath, allocation } = await node.admit();
    const conf = { deviceID: id };
    const seen = new Set<string>();
    for (let round = 0; round < 5; round += 1) {
      await using pod = await makeNetworkNamespace();
      const containerID = `sandbox${round}`;
      assert.equal((await node.call('ADD', { containerID, netns: pod.path, conf })).exitCode, 0);
      // About a minute after a sandbox's DEL, kubelet repeats the DEL without a namespace. The next sandbox is attached
      // by then.
      const late = { containerID: `sandbox${round - 1}`, netns: '', conf };
      assert.deepEqual(await node.call('DEL', late), ok);
      const { ifindex, mac } = await assertAttached(pod, tapPath);
      seen.add(`${ifindex} ${mac}`);
      await node.kubelet.startContainer(allocation);
      assert.deepEqual(await node.call('DEL', { containerID, netns: pod.path, conf }), ok);
      await assertNothingLeft(tapPath, pod, node.namespace);
      await assert.rejects(node.kubelet.startContainer(allocation), /the link is gone/);
    }
    assert.equal(seen.size, 1);
  });

  test('loses its link to the next pod if kubelet allocates its device again before its DEL', options, async () => {
    await using node = await startNode(1);
    await using before = await makeNetworkNamespace();
    await using after = await makeNetworkNamespace();
    const old = await node.admit('vm-a');
    const conf = { deviceID: old.id };
    await node.call('ADD', { pod: 'vm-a', containerID: 'a', netns: before.path, conf });
    node.kubelet.release(old.allocation);
    const { tapPath, allocation } = await node.admit('vm-b');
    assert.equal(tapPath, old.tapPath);
    const add = { pod: 'vm-b', containerID: 'b', netns: after.path, conf };
    assert.equal((await node.call('ADD', add)).exitCode, 0);
    for (const netns of [before.path, '']) {
      assert.deepEqual(await node.call('DEL', { pod: 'vm-a', containerID: 'a', netns, conf }), ok);
    }
    await assertAttached(after, tapPath);
    await node.kubelet.startContainer(allocation);
    assert.deepEqual(await node.call('DEL', add), ok);
    await assertNothingLeft(tapPath, before, after, node.namespace);
  });

  test('keeps the same link while the node plugin is killed and started again', options, async () => {
    await using node = await makeShimNode();
    const plugin = node.run();
    await node.offers({ net: 2 });
    const { id, tapPath, allocation } = await node.admit();
    await using pod = await makeNetworkNamespace();
    const call = { netns: pod.path, conf: { deviceID: id } };
    await node.call('ADD', call);
    const before = await assertAttached(pod, tapPath);
    const successor = await killAndRestart(node, plugin);
    assert.deepEqual(await assertAttached(pod, tapPath), before);
    await node.kubelet.startContainer(allocation);
    assert.deepEqual(await node.call('CHECK', call), ok);
    // A runtime repeats an ADD that got no answer. That must not disconnect an open tap.
    assert.equal((await node.call('ADD', call)).exitCode, 0);
    assert.deepEqual(await successor.stop(), { code: 0, signal: null });
    assert.deepEqual(await assertAttached(pod, tapPath), before);
  });

  test(
    'that ends while the node plugin is down is detached before any device is allocated again',
    options,
    async () => {
      let tapPath = '';
      const atRegister: unknown[] = [];
      await using node = await makeShimNode({
        quantity: 1,
        onRegister: async () => {
          const tombstones = await readdir(node.tombstones).catch(() => []);
          const tap = await stat(tapPath).then(
            () => 'there',
            () => 'gone',
          );
          atRegister.push([tombstones, tap]);
        },
      });
      const plugin = node.run();
      await node.offers({ net: 1 });
      const { id, allocation, ...admitted } = await node.admit();
      tapPath = admitted.tapPath;
      await using pod = await makeNetworkNamespace();
      const conf = { deviceID: id };
      await node.call('ADD', { netns: pod.path, conf });
      await killAndRestart(node, plugin, async () => {
        const { exitCode, output } = await node.call('ADD', { containerID: 'c2', netns: pod.path, conf });
        assert.deepEqual([exitCode, output?.code], [1, 11], 'an ADD asks for a retry');
        // Kubelet repeats the DEL, the second time without a namespace.
        for (const netns of [pod.path, '']) assert.deepEqual(await node.call('DEL', { netns, conf }), ok);
        assert.deepEqual(await readdir(node.tombstones), ['c1:net1']);
        atRegister.length = 0;
      });
      assert.deepEqual(atRegister, [[[], 'gone']]);
      await assertNothingLeft(tapPath, pod, node.namespace);
      node.kubelet.release(allocation);
      const next = await node.admit('vm-b');
      const { exitCode } = await node.call('ADD', { pod: 'vm-b', containerID: 'b', netns: pod.path, conf });
      assert.equal(exitCode, 0);
      await assertAttached(pod, next.tapPath);
    },
  );

  test('has the same tap and address after a reboot, which changes the index of its parent', options, async () => {
    await using node = await makeShimNode();
    const plugin = node.run();
    await node.offers({ net: 2 });
    const { id, tapPath, allocation } = await node.admit();
    const conf = { deviceID: id };
    const pod = await makeNetworkNamespace();
    await node.call('ADD', { containerID: 'before', netns: pod.path, conf });
    const before = await assertAttached(pod, tapPath);
    await killAndRestart(node, plugin, async () => {
      await node.kubelet.stop();
      await pod[Symbol.asyncDispose]();
      await node.namespace.ip('link del p0');
      await rm(dirname(node.socketPath), { recursive: true });
      await addLink(node.namespace, 'p0');
      await assertNothingLeft(tapPath, node.namespace);
      await node.kubelet.restart();
    });
    // After the reboot, kubelet admits its pods again, but none with an Unhealthy device.
    await node.lists('net', ['netMvp0', 'netMvp1']);
    await using anew = await makeNetworkNamespace();
    assert.equal((await node.call('ADD', { containerID: 'after', netns: anew.path, conf })).exitCode, 0);
    const { ifindex, mac, mode } = await assertAttached(anew, tapPath);
    assert.deepEqual([ifindex, mac, mode], [before.ifindex, before.mac, before.mode]);
    await node.kubelet.startContainer(allocation);
    assert.deepEqual(await node.call('DEL', { containerID: 'before', netns: pod.path, conf }), ok);
    await assertAttached(anew, tapPath);
  });

  test('is found again after the ledger was lost, wherever its link is', options, async () => {
    await using node = await makeShimNode();
    const plugin = node.run();
    await node.offers({ net: 2 });
    const attached = await node.admit('vm-a');
    const admitted = await node.admit('vm-b');
    await using pod = await makeNetworkNamespace();
    await using other = await makeNetworkNamespace();
    const call = { netns: pod.path, conf: { deviceID: attached.id } };
    await node.call('ADD', call);
    const before = await assertAttached(pod, attached.tapPath);
    const known = await readRecords(node);
    const successor = await killAndRestart(node, plugin, () => rm(node.stateDirectory, { recursive: true }));
    assert.match(await successor.waitForLine(/devices restored to the ledger/), /netMvp0.*netMvp1/);
    // The restored record may differ from the lost one only in the values of `rest`. For example, only the runtime knew
    // the container ID and the network.
    const { attachment, ...entry } = (await readRecords(node)).netMvp0 ?? {};
    const rest = {
      lastUsed: known.netMvp0?.lastUsed,
      pod: 'vms/vm-a',
      attachment: { ...attachment, containerID: 'c1', network: 'blue' },
    };
    assert.deepEqual({ ...entry, ...rest }, known.netMvp0);
    for (const { allocation } of [attached, admitted]) await node.kubelet.startContainer(allocation);
    assert.deepEqual(await assertAttached(pod, attached.tapPath), before);
    assert.deepEqual(await node.call('CHECK', call), ok);
    const add = { pod: 'vm-b', containerID: 'c2', netns: other.path, conf: { deviceID: admitted.id } };
    assert.equal((await node.call('ADD', add)).exitCode, 0);
    await assertAttached(other, admitted.tapPath);
    assert.deepEqual(await node.call('DEL', call), ok);
    await assertNothingLeft(attached.tapPath, pod, node.namespace);
  });

  test('that was removed without a DEL is forgotten once its namespace is gone, and not earlier', options, async () => {
    await using node = await makeShimNode();
    const plugin = node.run();
    await node.offers({ net: 2 });
    const { id, tapPath, allocation } = await node.admit();
    let looks = 0;
    node.list = (held) => {
      looks += 1;
      return held;
    };
    {
      await using pod = await makeNetworkNamespace();
      await node.call('ADD', { netns: pod.path, conf: { deviceID: id } });
      node.kubelet.release(allocation);
      // Kubelet is queried once for each check of the collector, whose grace period is two checks.
      const enough = looks + 10;
      await until(
        async () => looks,
        (now) => now >= enough,
      );
      await assertAttached(pod, tapPath);
      assert.deepEqual(Object.keys(await readRecords(node)), [id]);
      assert.doesNotMatch(plugin.output, /orphan removed|without a DEL/);
    }
    assert.match(await plugin.waitForLine(/gone without a DEL/), /netMvp0/);
    await plugin.waitForLine(/orphan removed.*netMvp0|netMvp0.*orphan removed/);
    assert.deepEqual(await readRecords(node), {});
  });

  test('can be detached even if its namespace is gone', options, async () => {
    await using node = await startNode();
    const { id, tapPath } = await node.admit();
    const conf = { deviceID: id };
    const pod = await makeNetworkNamespace();
    await node.call('ADD', { netns: pod.path, conf });
    await pod[Symbol.asyncDispose]();
    for (const netns of [pod.path, '']) assert.deepEqual(await node.call('DEL', { netns, conf }), ok);
    assert.equal((await readRecords(node))[id]?.attachment, undefined);
    await assertNothingLeft(tapPath, node.namespace);
  });

  test(
    'gets an error with a retry while its parent is gone, and is attached once the parent is back',
    options,
    async () => {
      await using node = await startNode();
      const { id, tapPath, allocation } = await node.admit();
      await using pod = await makeNetworkNamespace();
      const call = { netns: pod.path, conf: { deviceID: id } };
      await node.namespace.ip('link del p0');
      await node.offers({ net: 0 });
      const { exitCode, output } = await node.call('ADD', call);
      assert.deepEqual([exitCode, output?.code, output?.details], [1, 11, 'ParentUnavailable']);
      await assertNothingLeft(tapPath, pod, node.namespace);
      await addLink(node.namespace, 'p0');
      await node.lists('net', ['!netMvp0', 'netMvp1']);
      assert.equal((await node.call('ADD', call)).exitCode, 0);
      await assertAttached(pod, tapPath);
      await node.kubelet.startContainer(allocation);
      // The parent exists again.
      await node.lists('net', ['netMvp0', 'netMvp1']);
    },
  );

  test('whose parent vanishes has an Unhealthy device until its sandbox is recreated', options, async () => {
    await using node = await startNode();
    const { id, tapPath, allocation } = await node.admit();
    await using pod = await makeNetworkNamespace();
    await using anew = await makeNetworkNamespace();
    const conf = { deviceID: id };
    await node.call('ADD', { netns: pod.path, conf });
    await node.lists('net', ['netMvp0', 'netMvp1']);
    await node.namespace.ip('link del p0');
    await node.lists('net', ['!netMvp0', '!netMvp1']);
    await addLink(node.namespace, 'p0');
    await node.lists('net', ['!netMvp0', 'netMvp1']);
    await assertNothingLeft(tapPath, pod, node.namespace);
    await assert.rejects(
      node.kubelet.startContainer(allocation),
      /the link is gone.*is parent p0 there\? Delete the pod/,
    );
    assert.deepEqual(await node.call('DEL', { netns: pod.path, conf }), ok);
    assert.equal((await node.call('ADD', { containerID: 'c2', netns: anew.path, conf })).exitCode, 0);
    await assertAttached(anew, tapPath);
    await node.lists('net', ['netMvp0', 'netMvp1']);
  });

  test('keeps the mode that its device had at Allocate, whatever the policy has now', options, async () => {
    await using node = await startNode();
    const { id, tapPath } = await node.admit();
    const conf = { deviceID: id };
    await using pod = await makeNetworkNamespace();
    await using anew = await makeNetworkNamespace();
    await using other = await makeNetworkNamespace();
    await node.call('ADD', { containerID: 'c1', netns: pod.path, conf });
    await node.writeNet({ mode: 'vepa', quantity: 3 });
    await node.offers({ net: 3 });
    assert.equal((await assertAttached(pod, tapPath)).mode, 'bridge');
    assert.deepEqual(await node.call('DEL', { containerID: 'c1', netns: pod.path, conf }), ok);
    const add = (more: object) => node.call('ADD', { containerID: 'c2', netns: anew.path, conf: { ...conf, ...more } });
    const { output } = await add({ mode: 'vepa' });
    assert.deepEqual([output?.code, output?.details], [7, 'ModeConflict']);
    assert.equal(
      output?.msg,
      'ADD of net1 for pod vms/vm-a, network blue, device netMvp0 of resource net: network blue wants mode vepa, and device ' +
        'netMvp0 has mode bridge by policy macvtap-cni/p: write "mode": "bridge" into NetworkAttachmentDefinition blue or ' +
        'leave it out, or change the policy',
    );
    assert.equal((await add({ mode: 'vepa', modeFrom: 'policy' })).exitCode, 0);
    assert.equal((await assertAttached(anew, tapPath)).mode, 'bridge');
    const fresh = await node.admit('vm-b');
    const call = { pod: 'vm-b', containerID: 'b', netns: other.path, conf: { deviceID: fresh.id, mode: 'vepa' } };
    assert.equal((await node.call('ADD', call)).exitCode, 0);
    assert.equal((await assertAttached(other, fresh.tapPath)).mode, 'vepa');
  });

  test('keeps working, also in a new sandbox, after its resource is no longer offered', options, async () => {
    await using node = await startNode();
    const { id, tapPath, allocation } = await node.admit();
    const conf = { deviceID: id };
    await using pod = await makeNetworkNamespace();
    await node.call('ADD', { netns: pod.path, conf });
    await node.write('net.yaml');
    await node.lists('net', [id]);
    assert.deepEqual(await node.call('DEL', { netns: pod.path, conf }), ok);
    assert.equal((await node.call('ADD', { containerID: 'c2', netns: pod.path, conf })).exitCode, 0);
    await assertAttached(pod, tapPath);
    await node.kubelet.startContainer(allocation);
    node.kubelet.release(allocation);
    await node.isGone('net');
    assert.deepEqual(await node.call('DEL', { containerID: 'c2', netns: pod.path, conf }), ok);
    await assertNothingLeft(tapPath, pod, node.namespace);
    await until(
      () => readRecords(node),
      (records) => Object.keys(records).length === 0,
    );
  });
});
