// SPDX-License-Identifier: Apache-2.0
// Tests the health of devices after a change of their parent, in the lists that kubelet receives.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsRoot } from '../kernel/network-namespace.ts';
import { addLink, makePluginNode, type PluginNode, policyObject, quick } from './plugin-node.ts';
import { assertOwnTap, showMacvtaps } from './shown-macvtaps.ts';

const options = { skip: needsRoot };

async function startWithNet(): Promise<PluginNode> {
  const node = await makePluginNode(['eth0']);
  await writeNet(node, 3);
  node.start(...quick);
  await node.offers({ net: 3 });
  return node;
}

function writeNet(node: PluginNode, quantity: number): Promise<void> {
  const entry = { parentIface: 'eth0', quantity, resourceName: 'net' };
  return node.write('p.yaml', policyObject('p', { parentSelector: [entry] }));
}

test('devices of a parent that vanishes become Unhealthy, all in one message', options, async () => {
  await using node = await startWithNet();
  await node.allocate('net');
  const before = node.messages('net');
  await node.namespace.ip('link del eth0');
  await node.lists('net', ['!netMvp0', '!netMvp1', '!netMvp2']);
  assert.equal(node.messages('net'), before + 1);
});

test(
  'if a parent comes back as another link, its free devices become Healthy, and a held one when it is released',
  options,
  async () => {
    await using node = await startWithNet();
    const { ids } = await node.allocate('net');
    await node.namespace.ip('link del eth0');
    await node.lists('net', ['!netMvp0', '!netMvp1', '!netMvp2']);
    const before = node.messages('net');
    await addLink(node.namespace, 'eth0');
    await node.lists('net', ['!netMvp0', 'netMvp1', 'netMvp2']);
    assert.deepEqual(await showMacvtaps(node.namespace), [], "the held device's link was deleted with its parent");
    node.release('net', ids);
    await node.lists('net', ['netMvp0', 'netMvp1', 'netMvp2']);
    assert.equal(node.messages('net'), before + 2);
    const { ids: all, paths } = await node.allocate('net', 3);
    await assertOwnTap(node.namespace, 'netMvp0', paths[all.indexOf('netMvp0')]);
  },
);

test('held devices of a parent that was recreated between two checks are still reported as lost', options, async () => {
  let listed = Promise.withResolvers<void>();
  await using node = await makePluginNode(
    ['eth0'],
    {},
    {
      onList: (held) => {
        if (held.length > 0) listed.resolve();
        return held;
      },
    },
  );
  await writeNet(node, 3);
  // The collector's checks are rare here, and the list of held devices does not change. Only link events can show the
  // change.
  const plugin = node.start('--held-refresh', '50ms', '--kubelet-settle', '0ms', '--orphan-grace', '1m');
  await node.offers({ net: 3 });
  await node.allocate('net');
  await listed.promise;
  listed = Promise.withResolvers();
  await listed.promise;
  const before = node.messages('net');
  plugin.signal('SIGSTOP');
  await node.namespace.ip('link del eth0');
  await addLink(node.namespace, 'eth0');
  plugin.signal('SIGCONT');
  await node.lists('net', ['!netMvp0', 'netMvp1', 'netMvp2']);
  assert.equal(node.messages('net'), before + 1);
});

test('an enslaved parent is Unhealthy until it is released from its master', options, async () => {
  await using node = await startWithNet();
  const before = node.messages('net');
  await node.namespace.ip('link add br0 type bridge');
  await node.namespace.ip('link set eth0 master br0');
  await node.lists('net', ['!netMvp0', '!netMvp1', '!netMvp2']);
  await assert.rejects(node.allocate('net'));
  await node.namespace.ip('link set eth0 nomaster');
  await node.lists('net', ['netMvp0', 'netMvp1', 'netMvp2']);
  assert.equal(node.messages('net'), before + 2);
  const { ids, paths } = await node.allocate('net');
  await assertOwnTap(node.namespace, ids[0] ?? '', paths[0]);
});

test(
  'a parent that is down or has no carrier keeps its devices Healthy, and they can be allocated',
  options,
  async () => {
    await using node = await startWithNet();
    const before = node.messages('net');
    await node.namespace.ip('link set eth0-peer down');
    await node.namespace.ip('link set eth0 down');
    const { ids, paths } = await node.allocate('net');
    await assertOwnTap(node.namespace, ids[0] ?? '', paths[0]);
    // Kubelet receives this change after all earlier lists, so the count of messages includes any that were sent
    // without need.
    await writeNet(node, 2);
    await node.lists('net', ['netMvp0', 'netMvp1']);
    assert.equal(node.messages('net'), before + 1);
  },
);

test('a parent that is renamed while a device is held stays the same parent', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.namespace.ip('link property add dev eth0 altname uplink');
  const parentSelector = [{ parentIface: 'uplink', resourceName: 'net', quantity: 2 }];
  await node.write('p.yaml', policyObject('p', { parentSelector }));
  const plugin = node.start(...quick);
  await node.offers({ net: 2 });
  await node.allocate('net');
  await node.namespace.ip('link set eth0 down');
  await node.namespace.ip('link set eth0 name lan0');
  await node.namespace.ip('link set lan0 up');
  await plugin.waitForLine(/net=lan0/);
  await node.offers({ net: 2 });
  await node.allocate('net');
});
