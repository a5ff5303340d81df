// SPDX-License-Identifier: Apache-2.0
// Tests CHECK and GC.
import assert from 'node:assert/strict';
import { chmod, chown } from 'node:fs/promises';
import { test } from 'node:test';
import { device, interfaceOf, shownIn } from './attached-pod.ts';
import { makeCNINode } from './cni-node.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const conf = { deviceID: device };

test('CHECK passes after ADD, and names what was changed afterwards', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  const { output: prevResult } = await node.call('ADD', { netns: pod.path, conf });
  const call = { netns: pod.path, conf: { ...conf, prevResult } };
  assert.deepEqual(await node.call('CHECK', call), { exitCode: 0, output: undefined });

  const wrong = async (given: object, message: RegExp) => {
    const { exitCode, output } = await node.call('CHECK', { ...call, ...given });
    assert.deepEqual([exitCode, output?.details], [1, 'AttachmentWrong'], JSON.stringify(output));
    assert.match(String(output?.msg), message);
  };
  await wrong({ containerID: 'c2' }, /the ledger has no device for this container and interface/);
  await wrong({ conf: { ...conf, prevResult: { interfaces: [] } } }, /MAC address in prevResult is missing/);
  await wrong({ conf: { deviceID: 'netMvp1' } }, /the device is netMvp0, not netMvp1/);
  await using other = await makeNetworkNamespace();
  await wrong({ netns: other.path }, /which is another namespace/);
  await wrong({ conf: { ...conf, promiscMode: true } }, /being promiscuous is false, not true/);
  await pod.ip('link set net1 promisc on');
  await wrong({}, /being promiscuous is true, not false/);
  await pod.ip('link set net1 promisc off');
  const ofNewest = {
    ...conf,
    cniVersion: '1.1.0',
    prevResult: { interfaces: [{ ...interfaceOf(prevResult), mtu: 1500 }] },
  };
  assert.equal((await node.call('CHECK', { ...call, conf: ofNewest })).exitCode, 0);
  await pod.ip('link set net1 mtu 1280');
  await wrong({ conf: ofNewest }, /its MTU is 1280, not 1500/);
  await pod.ip('link set net1 mtu 1500');
  await chown(tapPath, 0, 0);
  await wrong({}, /the owner of \/dev\/tap\d+ is 0:0 660, not 107:107 660/);
  await chown(tapPath, 107, 107);
  await chmod(tapPath, 0o600);
  await wrong({}, /the owner of \/dev\/tap\d+ is 107:107 600, not 107:107 660/);
  await chmod(tapPath, 0o660);
  assert.equal((await node.call('CHECK', call)).exitCode, 0);
  await pod.ip('link set net1 down');
  await wrong({}, /being up is false, not true/);
  await pod.ip('link set net1 address 52:54:00:00:00:78');
  await wrong({}, /its MAC address is 52:54:00:00:00:78, not .*; being up/);
  await pod.ip('link del net1');
  await wrong({}, /the link is missing/);
});

test('GC removes attachments of its own network that are not in its list, and nothing else', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const attached = [
    { ifname: 'net1', name: 'blue' },
    { ifname: 'net2', name: 'blue' },
    { ifname: 'net3', name: 'red' },
  ];
  for (const [index, { ifname, name }] of attached.entries()) {
    await node.allocate(`netMvp${index}`);
    await node.call('ADD', { netns: pod.path, ifname, conf: { deviceID: `netMvp${index}`, name } });
  }
  const gc = (given: object) => node.call('GC', { conf: { cniVersion: '1.1.0', ...given } });
  assert.equal((await gc({})).output?.code, 7, 'a list that is missing is not an empty one');
  const valid = [{ containerID: 'c1', ifname: 'net1' }];
  assert.deepEqual(await gc({ 'cni.dev/valid-attachments': valid }), { exitCode: 0, output: undefined });
  const left = (await pod.ipJSON<{ ifname: string }>('link show type macvtap')).map(({ ifname }) => ifname);
  assert.deepEqual(left.toSorted(), ['net1', 'net3']);
  assert.deepEqual(node.collected, ['blue netMvp1'], 'once, and nothing if nothing was removed');
});

test(
  'GC accepts the list as libcni writes it: null if it is empty, and also under the older key',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await node.allocate(device);
    const gc = (given: object) => node.call('GC', { conf: { cniVersion: '1.1.0', ...given } });
    await node.call('ADD', { netns: pod.path, conf });
    const valid = [{ containerID: 'c1', ifname: 'net1' }];
    assert.equal((await gc({ 'cni.dev/attachments': valid })).exitCode, 0);
    assert.equal((await gc({ 'cni.dev/valid-attachments': valid, 'cni.dev/attachments': null })).exitCode, 0);
    assert.ok(await shownIn(pod), 'it is named');
    for (const given of [
      { 'cni.dev/attachments': null },
      { 'cni.dev/valid-attachments': null, 'cni.dev/attachments': null },
    ]) {
      assert.deepEqual(await gc(given), { exitCode: 0, output: undefined });
      assert.equal(await shownIn(pod), undefined);
      await node.call('ADD', { netns: pod.path, conf });
    }
  },
);
