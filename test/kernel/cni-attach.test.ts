// SPDX-License-Identifier: Apache-2.0
// Tests ADD: on a new parent, repeated, and concurrent with other ADDs.
import assert from 'node:assert/strict';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { test } from 'node:test';
import { deviceMAC } from '../../nodeplugin/cni/pod-mac.ts';
import { deviceIfindex, linkName } from '../../policy/device/device-id.ts';
import { until } from '../process/until.ts';
import { assertAttached, device, interfaceOf, shownIn } from './attached-pod.ts';
import { type CNINode, makeCNINode, toShimCall } from './cni-node.ts';
import { socketPathOf } from './cni-plugin.ts';
import { callShim } from './cni-shim.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { readTapOwner } from './tap-owner.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const conf = { deviceID: device };

test('ADD makes the link in the pod, up, with the index that kubelet got', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
  assert.equal(exitCode, 0);
  await assertAttached(node, pod, tapPath);
  const shown = await shownIn(pod);
  const mac = deviceMAC(node.name, device);
  assert.deepEqual(output, {
    cniVersion: '1.0.0',
    interfaces: [{ name: 'net1', mac, sandbox: pod.path }],
    dns: {},
  });
  assert.deepEqual([shown?.address, shown?.linkinfo?.info_data?.mode, shown?.mtu], [mac, 'bridge', 1500]);
  assert.ok(shown?.flags.includes('UP'));
  assert.equal(await node.links.getLink({ name: linkName(device) }), undefined, 'the placeholder is gone');
  const { attachment, parent } = node.ledger.get(device) ?? {};
  const { ino: netnsInode } = await stat(pod.path);
  assert.deepEqual(attachment, {
    containerID: 'c1',
    ifname: 'net1',
    netnsPath: pod.path,
    netnsInode,
    mac,
    mtu: 1500,
    network: 'blue',
  });
  assert.equal(parent, 'p0');
});

test('the link has the settings of the configuration', options, async () => {
  await using node = await makeCNINode(here, { mode: 'vepa' });
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  const asked = { mtu: 1400, mac: '52:54:00:AA:BB:CC', promiscMode: true, owner: 1000, group: 2000, mode: 'vepa' };
  const { exitCode, output } = await node.call('ADD', {
    netns: pod.path,
    conf: { ...conf, ...asked, cniVersion: '1.1.0', dns: { nameservers: ['10.0.0.1'] } },
  });
  assert.equal(exitCode, 0, JSON.stringify(output));
  const shown = await shownIn(pod);
  assert.deepEqual(
    [shown?.mtu, shown?.address, shown?.linkinfo?.info_data?.mode, shown?.flags.includes('PROMISC')],
    [1400, '52:54:00:aa:bb:cc', 'vepa', true],
  );
  assert.deepEqual(output, {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'net1', mac: '52:54:00:aa:bb:cc', mtu: 1400, sandbox: pod.path }],
    dns: { nameservers: ['10.0.0.1'] },
  });
  const { uid, gid } = await lstat(tapPath);
  assert.deepEqual([uid, gid], [1000, 2000]);
});

test('a passthru link has the MAC address of its parent', options, async () => {
  await using node = await makeCNINode(here, { mode: 'passthru' });
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  const refused = await node.call('ADD', { netns: pod.path, conf: { ...conf, mac: '52:54:00:00:00:01' } });
  assert.match(String(refused.output?.msg), /a passthru link has its parent's MAC address/);
  const { output } = await node.call('ADD', { netns: pod.path, conf });
  const [parent] = await here.ipJSON<{ address: string }>('link show p0');
  assert.equal(interfaceOf(output)?.mac, parent?.address);
  assert.equal((await shownIn(pod))?.address, parent?.address);
});

test('a repeated ADD for the same sandbox keeps the existing link', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, conf });
  // In devtmpfs, a recreated device node would have another inode.
  const { ino } = await lstat(tapPath);
  assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
  assert.equal((await lstat(tapPath)).ino, ino);
  // A link with other settings is recreated.
  assert.equal((await node.call('ADD', { netns: pod.path, conf: { ...conf, mtu: 1300 } })).exitCode, 0);
  assert.equal((await shownIn(pod))?.mtu, 1300);
  await assertAttached(node, pod, tapPath);
});

test('an ADD whose result cannot be printed makes no link', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  const { environment } = toShimCall('ADD', { netns: pod.path });
  const deep = `${'['.repeat(300_000)}${']'.repeat(300_000)}`;
  const long = `[${Array(180_000).fill('1e20')}]`;
  for (const key of [
    `"prevResult": {"interfaces": [], "x": ${deep}}`,
    `"prevResult": {"interfaces": [], "x": ${long}}`,
    `"mac": ${deep}`,
    `"ipam": ${deep}`,
  ]) {
    const text = `{"cniVersion": "1.0.0", "name": "blue", "type": "macvtap", "deviceID": "${device}", ${key}}`;
    const { exitCode, output } = await callShim(socketPathOf(node.directory), { environment, conf: text });
    const { code, details } = JSON.parse(output);
    assert.deepEqual([exitCode, code], [1, 7], details);
    assert.equal(await shownIn(pod), undefined);
    assert.equal(node.ledger.get(device)?.attachment, undefined);
  }
});

test('twenty pods at once are all attached, and all detached', { ...options, timeout: 180_000 }, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const devices = Array.from({ length: 20 }, (_, i) => `netMvp${i}`);
  for (const id of devices) await node.allocate(id);
  const call = (command: string) =>
    Promise.all(
      devices.map((deviceID, i) =>
        node.call(command, { netns: pod.path, containerID: `c${i}`, ifname: `net${i}`, conf: { deviceID } }),
      ),
    );
  assert.deepEqual(new Set((await call('ADD')).map(({ exitCode }) => exitCode)), new Set([0]));
  for (const [i, id] of devices.entries()) {
    assert.equal((await shownIn(pod, `net${i}`))?.ifindex, deviceIfindex(node.name, id));
    assert.equal((await readTapOwner(`/dev/tap${deviceIfindex(node.name, id)}`)).name, `net${i}`);
  }
  assert.deepEqual(new Set((await call('DEL')).map(({ exitCode }) => exitCode)), new Set([0]));
  await until(
    () => pod.ipJSON('link show type macvtap'),
    (shown) => shown.length === 0,
  );
});

test('an ADD that waits for its shim blocks only requests for the same device', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  for (const id of [device, 'netMvp1', 'netMvp2']) await node.allocate(id);
  const order: string[] = [];
  const others = async () => {
    await node.call('ADD', { netns: pod.path, ifname: 'net2', conf: { deviceID: 'netMvp1' } });
    await node.call('DEL', { netns: pod.path, ifname: 'net2', conf: { deviceID: 'netMvp1' } });
    order.push('others');
  };
  let sameDevice: Promise<unknown> = Promise.resolve();
  const slow = startSlowAdd(node, pod, async () => {
    sameDevice = node.call('DEL', { netns: pod.path, conf }).then(() => order.push('DEL of the same device'));
    await others();
    order.push('slow ADD');
  });
  assert.equal((await slow).exitCode, 0);
  await sameDevice;
  assert.deepEqual(order, ['others', 'slow ADD', 'DEL of the same device']);
  assert.equal(await shownIn(pod), undefined);
});

/** Starts an ADD whose shim waits for `meanwhile` before it changes the owner of the device node. */
async function startSlowAdd(node: CNINode, pod: NetworkNamespace, meanwhile: () => Promise<void>) {
  const call = toShimCall('ADD', { netns: pod.path, conf });
  return callShim(socketPathOf(node.directory), { ...call, beforeOwned: meanwhile });
}

test('ADD and DEL leave no descriptor open, whether they succeed or fail', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  const work = async () => {
    await node.call('ADD', { netns: pod.path, conf });
    await node.call('CHECK', { netns: pod.path, conf });
    await node.call('ADD', { netns: pod.path, conf: { ...conf, mtu: 9000 } });
    await node.call('ADD', { netns: '/run/netns/kmt-never-was', conf });
    await node.call('DEL', { netns: pod.path, conf });
  };
  const namespaces = async () => {
    const links = await Promise.all(
      (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    );
    return links.filter((target) => /^net:|netns/.test(target));
  };
  for (let i = 0; i < 3; i += 1) await work();
  assert.deepEqual(await namespaces(), [], 'an open namespace would stay, with its taps');
});
