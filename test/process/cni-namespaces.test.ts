// SPDX-License-Identifier: Apache-2.0
// Tests which namespaces get a link, for any order of pods, policies, and labels, with the real node plugin and the
// real CNI plugin.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached } from './attached-link.ts';
import { namespaceObject, nodeObject, policyObject } from './plugin-node.ts';
import { type AdmittedPod, makeShimNode, needsRealShim, readRecords, type ShimNode } from './shim-node.ts';
import { showMacvtaps } from './shown-macvtaps.ts';
import type { RunningProcess } from './start-process.ts';
import { until } from './until.ts';

const options = { skip: needsRealShim };
const ok = { exitCode: 0, output: undefined };

/** Writes the policy of `net`, which admits a team. Pods are in the namespace vms. */
async function writeTeam(node: ShimNode, team: string, quantity: number): Promise<void> {
  const namespaceSelector = { matchLabels: { team } };
  const parentSelector = [{ parentIface: 'p0', resourceName: 'net', quantity }];
  await node.write('net.yaml', policyObject('p', { namespaceSelector, parentSelector }));
}

const labelNamespace = (node: ShimNode, team: string) => node.write('vms.yaml', namespaceObject('vms', { team }));

/** Starts a node whose policy admits the team. The namespace vms belongs to team a. */
async function startNode(team: string): Promise<ShimNode & { readonly plugin: RunningProcess }> {
  const node = await makeShimNode();
  await labelNamespace(node, 'a');
  await writeTeam(node, team, 2);
  const plugin = node.run();
  await node.offers({ net: 2 });
  return Object.assign(node, { plugin });
}

function adder(node: ShimNode, name: string, uid: string) {
  return async ({ id }: AdmittedPod, { path }: NetworkNamespace) => {
    const { exitCode, output } = await node.call('ADD', {
      ...{ pod: name, podUID: uid, containerID: `${name}-${uid}`, netns: path, conf: { deviceID: id } },
    });
    return exitCode === 0 ? 'attached' : output?.details;
  };
}

// The tests mostly wait, so several can run at once.
suite('a pod of a namespace that is not admitted', { concurrency: 3 }, () => {
  test('gets no link and no container, until its namespace gets the label', options, async () => {
    await using node = await startNode('b');
    await using sandbox = await makeNetworkNamespace();
    const pod = await node.admit('vm-a');
    const add = adder(node, 'vm-a', 'uid-1');
    assert.equal(await add(pod, sandbox), 'NamespaceNotAdmitted');
    assert.deepEqual(await showMacvtaps(sandbox), []);
    await assert.rejects(
      node.kubelet.startContainer(pod.allocation),
      /pod vms\/vm-a may not use resource net: .*team=b/,
    );
    const record = (await readRecords(node))[pod.id];
    assert.deepEqual([record?.attachment, record?.pod, record?.podUID], [undefined, undefined, undefined]);
    await labelNamespace(node, 'b');
    assert.equal(
      await until(
        () => add(pod, sandbox),
        (answer) => answer !== 'NamespaceNotAdmitted',
      ),
      'attached',
    );
    await assertAttached(sandbox, pod.tapPath);
    await node.kubelet.startContainer(pod.allocation);
  });

  test('gets no link from the device that it holds when the policy is deleted', options, async () => {
    await using node = await startNode('b');
    await using sandbox = await makeNetworkNamespace();
    const pod = await node.admit('vm-a');
    const add = adder(node, 'vm-a', 'uid-1');
    assert.equal(await add(pod, sandbox), 'NamespaceNotAdmitted');
    await rm(join(node.manifests, 'net.yaml'));
    // Only the held device is left.
    await node.lists('net', [pod.id]);
    assert.equal(await add(pod, sandbox), 'NamespaceNotAdmitted');
    assert.deepEqual(await showMacvtaps(sandbox), []);
  });

  test(
    'keeps its link when the selector is restricted, also in a recreated sandbox, and new pods get none',
    options,
    async () => {
      await using node = await startNode('a');
      await using sandbox = await makeNetworkNamespace();
      const [running, next] = [await node.admit('vm-a'), await node.admit('vm-b')];
      const add = adder(node, 'vm-a', 'uid-1');
      assert.equal(await add(running, sandbox), 'attached');
      await node.kubelet.startContainer(running.allocation);
      await writeTeam(node, 'b', 3);
      await node.offers({ net: 3 });
      await assertAttached(sandbox, running.tapPath);
      await node.kubelet.startContainer(running.allocation);
      await using recreated = await makeNetworkNamespace();
      const { id } = running;
      assert.deepEqual(
        await node.call('DEL', { containerID: 'vm-a-uid-1', netns: sandbox.path, conf: { deviceID: id } }),
        ok,
      );
      // A pod with the same name is another pod: the device belongs to the UID.
      assert.equal(await adder(node, 'vm-a', 'uid-2')(running, recreated), 'DeviceHeldElsewhere');
      assert.equal(await add(running, recreated), 'attached');
      assert.equal(await adder(node, 'vm-b', 'uid-3')(next, sandbox), 'NamespaceNotAdmitted');
      assert.deepEqual([(await showMacvtaps(recreated)).length, await showMacvtaps(sandbox)], [1, []]);
    },
  );

  test(
    'gets no link while the policies are unknown, and a pod that was attached before can be attached again',
    options,
    async () => {
      await using node = await startNode('a');
      await using sandbox = await makeNetworkNamespace();
      await using other = await makeNetworkNamespace();
      const [running, next] = [await node.admit('vm-a'), await node.admit('vm-b')];
      const [add, addNext] = [adder(node, 'vm-a', 'uid-1'), adder(node, 'vm-b', 'uid-2')];
      assert.equal(await add(running, sandbox), 'attached');
      await node.call('DEL', { containerID: 'vm-a-uid-1', netns: sandbox.path, conf: { deviceID: running.id } });
      await node.plugin.stop();
      await rm(join(node.manifests, 'node.yaml'));
      const plugin = node.run();
      await plugin.waitForLine(/no plan can be made/);
      assert.equal(await addNext(next, other), 'PlanUnknown');
      assert.deepEqual(await showMacvtaps(other), []);
      assert.equal(await add(running, sandbox), 'attached');
      await assertAttached(sandbox, running.tapPath);
      await node.write('node.yaml', nodeObject(node.name, {}));
      await node.offers({ net: 2 });
      const answer = await until(
        () => addNext(next, other),
        (code) => code !== 'PlanUnknown',
      );
      assert.equal(answer, 'attached');
    },
  );
});
