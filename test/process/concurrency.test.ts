// SPDX-License-Identifier: Apache-2.0
// Tests many concurrent calls, and calls while plans change, with the real node plugin on real links.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { devicePluginService } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { dialSocket } from '../../nodeplugin/grpc-client.ts';
import { linkName } from '../../policy/device/device-id.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import { readTapOwner } from '../kernel/tap-owner.ts';
import { makePluginNode, type PluginNode, policyObject } from './plugin-node.ts';
import { readLedgerDevices } from './read-ledger-devices.ts';
import { assertOwnTap, showMacvtaps } from './shown-macvtaps.ts';

const options = { skip: needsRoot };

/** Returns the parent and the mode of each link: `eth0/bridge`. */
async function parentsAndModes(node: PluginNode): Promise<ReadonlyMap<string, string>> {
  const macvtaps = await showMacvtaps(node.namespace);
  return new Map(macvtaps.map(({ ifname, link, linkinfo }) => [ifname, `${link}/${linkinfo.info_data.mode}`]));
}

/** Calls Allocate as kubelet does, but without kubelet's own bookkeeping. */
async function allocateDirectly(node: PluginNode, resource: string, ids: readonly string[]): Promise<string[]> {
  const endpoint = node.kubelet.resource(`macvtap.network.kubevirt.io/${resource}`)?.endpoint ?? '';
  using socket = dialSocket(join(node.kubelet.directory, endpoint));
  const request = { container_requests: [{ devices_ids: ids }] };
  const answer = await socket.call(devicePluginService.Allocate, request, { timeoutMs: 90_000 });
  return answer.container_responses.flatMap(({ devices }) => (devices ?? []).map(({ host_path }) => host_path));
}

test('200 concurrent Allocates of two resources are all answered correctly', options, async () => {
  await using node = await makePluginNode(['eth0', 'eth1']);
  const parentSelector = [
    { parentIface: 'eth0', mode: 'bridge', resourceName: 'a' },
    { parentIface: 'eth1', mode: 'private', resourceName: 'b' },
  ];
  await node.write('p.yaml', policyObject('p', { parentSelector }));
  node.start();
  await node.offers({ a: 100, b: 100 });
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => node.allocate(index % 2 === 0 ? 'a' : 'b')),
  );
  const macvtaps = new Map((await showMacvtaps(node.namespace)).map((link) => [link.ifname, link]));
  assert.deepEqual([macvtaps.size, new Set(answers.flatMap(({ paths }) => paths)).size], [200, 200]);
  for (const { ids, paths } of answers) {
    const [id = '', path = ''] = [ids[0], paths[0]];
    const link = macvtaps.get(linkName(id));
    assert.ok(link !== undefined);
    assert.deepEqual(
      [link.link, link.linkinfo.info_data.mode],
      id.startsWith('a') ? ['eth0', 'bridge'] : ['eth1', 'private'],
    );
    assert.equal(path, `/dev/tap${link.ifindex}`);
    assert.deepEqual(await readTapOwner(path), { name: link.ifname, macAddress: link.address });
  }
  assert.equal((await readLedgerDevices(node)).length, 200);
});

test('an Allocate while plans change uses one complete plan', options, async () => {
  await using node = await makePluginNode(['eth0', 'eth1']);
  const write = ([parentIface, mode]: readonly [string, string]) => {
    const entry = { parentIface, mode, quantity: 300, resourceName: 'net' };
    return node.write('p.yaml', policyObject('p', { parentSelector: [entry] }));
  };
  await write(['eth0', 'bridge']);
  const plugin = node.start();
  await node.offers({ net: 300 });
  const plans = () => plugin.output.match(/plan in force/g)?.length ?? 0;
  const answers: (readonly string[])[] = [];
  // Makes calls until links of both plans were seen and the plan has changed at least ten times.
  const seen = new Set<string>();
  for (let edit = 0; (plans() < 10 || seen.size < 2) && answers.length < 60; edit += 1) {
    await write(edit % 2 === 0 ? ['eth1', 'private'] : ['eth0', 'bridge']);
    for (let call = 0; call < 3; call += 1) {
      const { ids } = await node.allocate('net', 5);
      answers.push(ids);
      const now = await parentsAndModes(node);
      for (const id of ids) seen.add(now.get(linkName(id)) ?? 'none');
    }
  }
  assert.deepEqual([...seen].sort(), ['eth0/bridge', 'eth1/private']);
  const now = await parentsAndModes(node);
  for (const ids of answers) {
    assert.equal(new Set(ids.map((id) => now.get(linkName(id)))).size, 1, `${ids} share one parent`);
  }
});

test('two concurrent Allocates of one device get the same tap', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', resourceName: 'net' }] }));
  node.start();
  await node.offers({ net: 100 });
  const answers = await Promise.all([
    allocateDirectly(node, 'net', ['netMvp0']),
    allocateDirectly(node, 'net', ['netMvp1', 'netMvp0']),
    allocateDirectly(node, 'net', ['netMvp0', 'netMvp1']),
  ]);
  const [first = [], second = [], third = []] = answers;
  assert.deepEqual(second.toReversed(), third);
  assert.equal(first[0], third[0]);
  await assertOwnTap(node.namespace, 'netMvp0', third[0]);
  await assertOwnTap(node.namespace, 'netMvp1', third[1]);
  assert.equal((await showMacvtaps(node.namespace)).length, 2);
});

test(
  'an Allocate that fails for one device keeps none of the others, and does not affect another call',
  options,
  async () => {
    await using node = await makePluginNode(['eth0']);
    const entry = { parentIface: 'eth0', quantity: 4, resourceName: 'net' };
    await node.write('p.yaml', policyObject('p', { parentSelector: [entry] }));
    node.start();
    await node.offers({ net: 4 });
    // The device's link name is taken by a link that cannot be replaced.
    await node.namespace.ip(`link add ${linkName('netMvp2')} type veth peer name stranger`);
    const [failed, done] = await Promise.allSettled([
      allocateDirectly(node, 'net', ['netMvp0', 'netMvp1', 'netMvp2']),
      allocateDirectly(node, 'net', ['netMvp3']),
    ]);
    assert.match(String(failed.status === 'rejected' && failed.reason), /netMvp2/);
    assert.equal(done.status, 'fulfilled');
    assert.deepEqual([...(await parentsAndModes(node)).keys()], [linkName('netMvp3')]);
    assert.deepEqual(await readLedgerDevices(node), ['netMvp3']);
  },
);
