// SPDX-License-Identifier: Apache-2.0
// Tests resources that change while pods hold their devices, with the real node plugin on real links.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { needsRoot } from '../kernel/network-namespace.ts';
import type { KubeletOptions } from '../kubelet/start-kubelet.ts';
import { addLink, makePluginNode, type PluginNode, policyObject, quick } from './plugin-node.ts';
import { statedAs, untilState } from './read-node-state.ts';
import { assertOwnTap, showDevice } from './shown-macvtaps.ts';

const options = { skip: needsRoot };

/** Makes `net` use the first existing parent. */
function writeNet(node: PluginNode, parents: readonly string[], quantity = 3, mode = 'bridge'): Promise<void> {
  const parentSelector = parents.map((parentIface) => ({ parentIface, mode, quantity }));
  return node.write('p.yaml', policyObject('p', { resourceName: 'net', parentSelector }));
}

async function startWithNet(
  parents: readonly string[],
  quantity = 3,
  options: Parameters<typeof makePluginNode>[2] = {},
): Promise<PluginNode> {
  const node = await makePluginNode(['eth0', 'eth1'], {}, options);
  await writeNet(node, parents, quantity);
  node.start(...quick);
  await node.offers({ net: quantity });
  return node;
}

// The tests mostly wait, so several can run at once.
suite('a resource whose devices are held', { concurrency: 3 }, () => {
  test(
    'a resource that leaves the plan stays served with its held devices until the last one is released',
    options,
    async () => {
      await using node = await startWithNet(['eth0']);
      const first = await node.allocate('net');
      const second = await node.allocate('net');
      await node.write(
        'p.yaml',
        policyObject('p', { parentSelector: [{ parentIface: 'eth1', resourceName: 'other' }] }),
      );
      await node.lists('net', [...first.ids, ...second.ids]);
      node.release('net', first.ids);
      await node.lists('net', second.ids);
      node.release('net', second.ids);
      await node.isGone('net');
      await node.offers({ other: 100 });
    },
  );

  test('a resource that drains allocates nothing, and gives the reason', options, async () => {
    const released = Promise.withResolvers<void>();
    let isOver = false;
    // After the pod has ended (`isOver`), kubelet does not answer a request for held devices until the test allows it.
    const onList: KubeletOptions['onList'] = async (held) => {
      if (isOver) await released.promise;
      return held;
    };
    await using node = await startWithNet(['eth0'], 3, { onList });
    const { ids } = await node.allocate('net');
    await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth1', resourceName: 'other' }] }));
    await node.lists('net', ids);
    // The pod has ended, but the plugin's list still has its device, because the plugin waits for kubelet's answer.
    // Kubelet calls Allocate for this device.
    isOver = true;
    node.release('net', ids);
    const asked = node.kubelet.allocate('macvtap.network.kubevirt.io/net', 1);
    await assert.rejects(asked, /resource net is no longer offered on this node/);
    released.resolve();
    await node.isGone('net');
  });

  test('a draining resource that comes back offers all of its devices again', options, async () => {
    await using node = await startWithNet(['eth0']);
    const { ids } = await node.allocate('net');
    await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth1', resourceName: 'other' }] }));
    await node.lists('net', ids);
    await writeNet(node, ['eth0']);
    await node.offers({ net: 3 });
    assert.equal(node.kubelet.resource('macvtap.network.kubevirt.io/net')?.registrations, 1);
    await node.allocate('net', 2);
  });

  test("a draining resource is in the node's state, with its held devices, until it is gone", options, async () => {
    await using node = await startWithNet(['eth0']);
    const { ids } = await node.allocate('net', 2);
    const held = { name: 'net', parent: 'eth0', mode: 'bridge', held: 2 };
    const asked = { source: 'policy', policy: 'macvtap-cni/p', entry: 0, quantity: 3, health: 'Healthy' };
    await untilState(node, ({ resources }) => isDeepStrictEqual(resources, [{ ...held, ...asked }]));
    await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth1', resourceName: 'other' }] }));
    const drains = { source: 'none', quantity: 0, health: 'Unhealthy', code: 'Draining' };
    const { counts } = await untilState(node, ({ resources }) =>
      isDeepStrictEqual(resources?.[0], { ...held, ...drains }),
    );
    assert.deepEqual(counts, { resources: 2, devices: 100, held: 2, unhealthy: 1 });
    node.release('net', ids.slice(0, 1));
    await untilState(node, ({ resources }) => resources?.[0]?.held === 1);
    node.release('net', ids);
    await untilState(node, ({ resources }) => resources?.length === 1 && resources[0]?.name === 'other');
  });

  test(
    "after a parent was recreated, lost links stay in the node's state until their devices are released",
    options,
    async () => {
      await using node = await startWithNet(['eth0']);
      const { ids } = await node.allocate('net', 2);
      await node.namespace.ip('link del eth0');
      await untilState(node, ({ resources }) => resources?.[0]?.lost === 2);
      await addLink(node.namespace, 'eth0');
      await node.lists('net', ['!netMvp0', '!netMvp1', 'netMvp2']);
      await untilState(node, ({ resources }) => statedAs(resources, 'net') === 'Degraded LinksLost');
      node.release('net', ids);
      await untilState(
        node,
        ({ resources }) => statedAs(resources, 'net') === 'Healthy' && resources?.[0]?.lost === undefined,
      );
    },
  );

  test('a lowered quantity drops free devices at once, and held ones stay Healthy', options, async () => {
    await using node = await startWithNet(['eth0'], 5);
    const { ids } = await node.allocate('net', 5);
    node.release('net', ids.slice(0, 3));
    const before = node.messages('net');
    await writeNet(node, ['eth0'], 1);
    await node.lists('net', ['netMvp0', 'netMvp3', 'netMvp4']);
    node.release('net', ['netMvp3']);
    await node.lists('net', ['netMvp0', 'netMvp4']);
    await node.allocate('net');
    node.release('net', ['netMvp4']);
    await node.lists('net', ['netMvp0']);
    assert.equal(node.messages('net'), before + 3);
  });

  test(
    'if a policy moves to another parent, new allocations use that parent, and held devices stay',
    options,
    async () => {
      await using node = await startWithNet(['eth0']);
      const before = await node.allocate('net');
      const messages = node.messages('net');
      await writeNet(node, ['eth1'], 3, 'private');
      // The list does not show parents. A fourth device shows that the edit is in force.
      await writeNet(node, ['eth1'], 4, 'private');
      await node.offers({ net: 4 });
      assert.equal(node.messages('net'), messages + 1);
      const kept = [{ parent: 'eth0', mode: 'bridge', held: 1 }];
      await untilState(node, ({ resources }) => isDeepStrictEqual(resources?.[0]?.heldElsewhere, kept));
      const after = await node.allocate('net');
      await untilState(
        node,
        ({ resources }) => resources?.[0]?.held === 2 && isDeepStrictEqual(resources[0].heldElsewhere, kept),
      );
      const link = await assertOwnTap(node.namespace, after.ids[0] ?? '', after.paths[0]);
      assert.deepEqual([link.link, link.linkinfo.info_data.mode], ['eth1', 'private']);
      const stayed = await assertOwnTap(node.namespace, before.ids[0] ?? '', before.paths[0]);
      assert.deepEqual([stayed.link, stayed.linkinfo.info_data.mode], ['eth0', 'bridge']);
      node.release('net', before.ids);
      const again = await node.allocate('net', 3);
      assert.ok(again.ids.includes(before.ids[0] ?? ''));
      assert.equal((await showDevice(node.namespace, before.ids[0] ?? ''))?.link, 'eth1');
    },
  );

  test('a new interface does not move a resource to it while devices are held', options, async () => {
    await using node = await makePluginNode(['eth1']);
    await writeNet(node, ['eth0', 'eth1']);
    node.start(...quick);
    await node.offers({ net: 3 });
    const { ids, paths } = await node.allocate('net');
    await addLink(node.namespace, 'eth0');
    await node.lists('net', ['netMvp0', '!netMvp1', '!netMvp2']);
    assert.equal((await assertOwnTap(node.namespace, ids[0] ?? '', paths[0])).link, 'eth1');
    node.release('net', ids);
    await node.offers({ net: 3 });
    const moved = await node.allocate('net');
    assert.equal((await assertOwnTap(node.namespace, moved.ids[0] ?? '', moved.paths[0])).link, 'eth0');
  });

  test(
    'if an interface vanishes, its held devices become Unhealthy, and the resource moves after they are released',
    options,
    async () => {
      await using node = await startWithNet(['eth0', 'eth1']);
      const { ids } = await node.allocate('net');
      await node.namespace.ip('link del eth0');
      await node.lists('net', ['!netMvp0', '!netMvp1', '!netMvp2']);
      const refused = node.kubelet.allocate('macvtap.network.kubevirt.io/net', 1);
      await assert.rejects(refused);
      node.release('net', ids);
      await node.offers({ net: 3 });
      const moved = await node.allocate('net');
      assert.equal((await assertOwnTap(node.namespace, moved.ids[0] ?? '', moved.paths[0])).link, 'eth1');
    },
  );

  test(
    'a parent of held devices becomes available for passthru once they are released, and vice versa',
    options,
    async () => {
      await using node = await startWithNet(['eth0']);
      const { ids } = await node.allocate('net');
      const entry = (resourceName: string, more: object) => ({ parentIface: 'eth0', resourceName, ...more });
      const write = (...parentSelector: readonly object[]) =>
        node.write('p.yaml', policyObject('p', { parentSelector }));
      await write(entry('whole', { mode: 'passthru' }));
      await node.lists('net', ids);
      await node.lists('whole', ['!wholeMvp0']);
      node.release('net', ids);
      await node.lists('whole', ['wholeMvp0']);
      const whole = await node.allocate('whole');
      await write(entry('net', { quantity: 1 }));
      await node.lists('whole', whole.ids);
      await node.lists('net', ['!netMvp0']);
      node.release('whole', whole.ids);
      await node.offers({ net: 1 });
      await node.allocate('net');
    },
  );

  test('an edit moves a resource that waits because another parent appeared', options, async () => {
    await using node = await makePluginNode(['eth1']);
    await writeNet(node, ['eth0', 'eth1']);
    node.start(...quick);
    await node.offers({ net: 3 });
    await node.allocate('net');
    await addLink(node.namespace, 'eth0');
    await node.lists('net', ['netMvp0', '!netMvp1', '!netMvp2']);
    await writeNet(node, ['eth0', 'eth1'], 2);
    await node.lists('net', ['netMvp0', 'netMvp1']);
    const { ids, paths } = await node.allocate('net');
    assert.equal((await assertOwnTap(node.namespace, ids[0] ?? '', paths[0])).link, 'eth0');
  });

  for (const ending of ['SIGTERM', 'SIGKILL'] as const) {
    test(`a draining resource continues to drain after a ${ending}`, options, async () => {
      await using node = await makePluginNode(['eth0', 'eth1']);
      await writeNet(node, ['eth0']);
      const before = node.start(...quick);
      await node.offers({ net: 3 });
      const { ids, paths } = await node.allocate('net', 2);
      await node.write(
        'p.yaml',
        policyObject('p', { parentSelector: [{ parentIface: 'eth1', resourceName: 'other' }] }),
      );
      await node.lists('net', ids);
      before.signal(ending);
      await before.exit;
      node.start(...quick);
      await node.lists('net', ids);
      await assertOwnTap(node.namespace, ids[0] ?? '', paths[0]);
      node.release('net', ids.slice(0, 1));
      await node.lists('net', ids.slice(1));
      node.release('net', ids);
      await node.isGone('net');
      await node.offers({ other: 100 });
    });
  }
});
