// SPDX-License-Identifier: Apache-2.0
// Tests the real node plugin process on real links of a network namespace, with a stand-in for kubelet.
import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { linkName } from '../../policy/device/device-id.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import { addLink, makePluginNode, nodeObject, type PluginNode, policyObject } from './plugin-node.ts';
import { until } from './until.ts';

const options = { skip: needsRoot };

/** A macvtap as iproute2 shows it. */
interface ShownLink {
  readonly ifname: string;
  readonly ifindex: number;
  readonly link: string;
  readonly flags: readonly string[];
  readonly linkinfo: { readonly info_kind: string; readonly info_data: { readonly mode: string } };
}

async function shownDevice({ namespace }: PluginNode, id: string): Promise<ShownLink | undefined> {
  const macvtaps = await namespace.ipJSON<ShownLink>('link show type macvtap');
  return macvtaps.find(({ ifname }) => ifname === linkName(id));
}

const seedEntries = [
  { parentIface: 'bond1', mode: 'private', quantity: 25, resourceName: 'bondedIface' },
  { parentIface: 'eth1', mode: 'vepa', resourceName: 'quickDataplane' },
  { parentIface: 'eth2', resourceName: 'dataplane' },
];

test(
  'every resource of a policy is offered, and its devices are macvtaps with its mode on its parent',
  options,
  async () => {
    await using node = await makePluginNode(['bond1', 'eth0', 'eth1']);
    await node.write(
      'policies.yaml',
      policyObject('seed', { parentSelector: seedEntries }),
      policyObject('whole', { parentSelector: [{ parentIface: 'eth0', mode: 'passthru', resourceName: 'whole' }] }),
    );
    node.start();
    await node.offers({ bondedIface: 25, quickDataplane: 100, whole: 1 });
    const expected = [
      { resource: 'bondedIface', parent: 'bond1', mode: 'private' },
      { resource: 'quickDataplane', parent: 'eth1', mode: 'vepa' },
      { resource: 'whole', parent: 'eth0', mode: 'passthru' },
    ];
    for (const { resource, parent, mode } of expected) {
      const { ids, paths } = await node.allocate(resource);
      const link = await shownDevice(node, ids[0] ?? '');
      assert.ok(link !== undefined, `${resource} has a link`);
      assert.deepEqual([link.link, link.linkinfo.info_data.mode], [parent, mode]);
      assert.deepEqual(paths, [`/dev/tap${link.ifindex}`]);
      assert.ok(!link.flags.includes('UP'), 'a link without an attachment is down');
    }
  },
);

test(
  'edits of policy, label and config map, and new or deleted links, take effect without a restart',
  options,
  async () => {
    await using node = await makePluginNode(['eth0', 'eth1'], { role: 'worker' });
    const plugin = node.start('--link-kinds', 'veth', '--implicit-exclude', '*-peer');
    await node.offers({ eth0: 100, eth1: 100 });

    await addLink(node.namespace, 'eth2');
    await node.offers({ eth0: 100, eth1: 100, eth2: 100 });

    const configMap = (text: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'macvtap-deviceplugin-config', namespace: 'macvtap-cni' },
      data: { DP_MACVTAP_CONF: text },
    });
    await node.write('config.yaml', configMap('[{"name":"dp","lowerDevice":"eth1","mode":"vepa","capacity":7}]'));
    await node.offers({ dp: 7 });

    const policy = (entry: object) =>
      policyObject('p', { parentSelector: [entry], nodeSelector: { matchLabels: { role: 'gateway' } } });
    await node.write('policy.yaml', policy({ parentIface: 'eth0', quantity: 3, resourceName: 'gw' }));
    await node.write('node.yaml', nodeObject(node.name, { role: 'gateway' }));
    await node.offers({ gw: 3 });

    await node.write('policy.yaml', policy({ parentIface: 'eth0', quantity: 5, resourceName: 'gw' }));
    await node.offers({ gw: 5 });

    await node.write('node.yaml', nodeObject(node.name, { role: 'worker' }));
    await node.offers({ dp: 7 });
    await node.write('config.yaml', configMap('[]'));
    await node.offers({ eth0: 100, eth1: 100, eth2: 100 });
    await node.write(
      'node.yaml',
      nodeObject(node.name, { 'parent-iface.macvtap.network.kubevirt.io/eth2': 'private' }),
    );
    await node.offers({ eth2: 100 });
    // Kubelet may receive the list before the test reads the output of the process, so the process is stopped first.
    await plugin.stop();
    assert.equal(plugin.output.match(/plan in force/g)?.length, 8);
  },
);

test(
  'devices of a parent that vanishes are Unhealthy, Allocate names the parent, and all is Healthy when it is back',
  options,
  async () => {
    await using node = await makePluginNode(['eth0', 'eth1']);
    await node.write(
      'p.yaml',
      policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 2, resourceName: 'net' }] }),
    );
    node.start();
    await node.offers({ net: 2 });
    const before = node.kubelet.resource(`${resourcePrefix}net`)?.messages;
    await node.namespace.ip('link del eth0');
    await node.offers({ net: 0 });
    assert.equal(
      node.kubelet.resource(`${resourcePrefix}net`)?.messages,
      (before ?? 0) + 1,
      'one message for one change',
    );
    await addLink(node.namespace, 'eth0');
    await node.offers({ net: 2 });
    const { ids } = await node.allocate('net');
    assert.equal((await shownDevice(node, ids[0] ?? ''))?.link, 'eth0');
  },
);

test('if a parent vanishes between ListAndWatch and Allocate, the error names device and parent', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.write(
    'p.yaml',
    policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 2, resourceName: 'net' }] }),
  );
  node.start();
  await node.offers({ net: 2 });
  // The call and the deletion run concurrently. The plugin may read the links before or after the deletion, and its
  // answer must be correct in both cases.
  const [gone] = await Promise.allSettled([node.allocate('net'), node.namespace.ip('link del eth0')]);
  if (gone.status === 'rejected') assert.match(String(gone.reason), /netMvp0|no healthy/);
  await node.offers({ net: 0 });
  assert.deepEqual(await node.namespace.ipJSON('link show type macvtap'), []);
});

test('a device that was never offered is refused, with its name', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.write(
    'p.yaml',
    policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 2, resourceName: 'net' }] }),
  );
  node.start();
  await node.offers({ net: 2 });
  await node.write(
    'p.yaml',
    policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 1, resourceName: 'net' }] }),
  );
  await node.offers({ net: 1 });
  await node.allocate('net');
  await assert.rejects(node.allocate('net'));
});

test('SIGTERM ends the process normally, removes its sockets, and leaves allocated links', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', resourceName: 'net' }] }));
  const plugin = node.start();
  await node.offers({ net: 100 });
  const { ids } = await node.allocate('net', 3);
  assert.deepEqual(await plugin.stop(), { code: 0, signal: null });
  assert.deepEqual(await readdir(node.kubelet.directory), ['kubelet.sock']);
  for (const id of ids) assert.ok((await shownDevice(node, id)) !== undefined);

  node.start();
  await node.offers({ net: 100 });
  const [left] = await Promise.all(ids.map((id) => shownDevice(node, id)));
  node.kubelet.release({ resourceName: `${resourcePrefix}net`, deviceIds: ids });
  const others = await node.allocate('net', 97);
  assert.ok(
    !ids.some((id) => others.ids.includes(id)),
    'the most recently used device comes last, also after a restart',
  );
  const again = await node.allocate('net', 3);
  assert.deepEqual(again.ids, ids);
  assert.equal((await shownDevice(node, ids[0] ?? ''))?.ifindex, left?.ifindex);
});

test('a killed process leaves sockets, and the next one removes them', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', resourceName: 'net' }] }));
  const killed = node.start();
  await node.offers({ net: 100 });
  killed.signal('SIGKILL');
  await killed.exit;
  const left = await readdir(node.kubelet.directory);
  assert.equal(left.length, 2, left.join());
  node.start();
  await node.offers({ net: 100 });
  const now = await readdir(node.kubelet.directory);
  assert.equal(now.length, 2, now.join());
  assert.notDeepEqual(now, left);
});

test('a missing kubelet directory is named, and the plugin waits for it', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', resourceName: 'net' }] }));
  await node.kubelet.stop();
  await rm(node.kubelet.directory, { recursive: true });
  const plugin = node.start();
  const line = await plugin.waitForLine(/KubeletDirectoryMissing/);
  assert.ok(line.includes(node.kubelet.directory));
  await node.kubelet.restart();
  await node.offers({ net: 100 });
});

test(
  'an invalid file is reported with file, document and line, and the last valid state stays in force',
  options,
  async () => {
    await using node = await makePluginNode(['eth0']);
    await node.write(
      'p.yaml',
      policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 4, resourceName: 'net' }] }),
    );
    const plugin = node.start();
    await node.offers({ net: 4 });
    await node.writeText('p.yaml', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\nkind: [oops\n');
    const line = await plugin.waitForLine(/an invalid object is ignored/);
    assert.match(line, /p\.yaml, document 2, line \d/);
    await node.allocate('net');
    await node.offers({ net: 4 });
    await node.write(
      'p.yaml',
      policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 6, resourceName: 'net' }] }),
    );
    await node.offers({ net: 6 });
  },
);

test('without its Node, the plugin exposes nothing and logs what to check', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.write('node.yaml', nodeObject('somebody-else', {}));
  const plugin = node.start('--link-kinds', 'veth');
  assert.match(await plugin.waitForLine(/no plan can be made/), /--node-name/);
  await node.write('node.yaml', nodeObject(node.name, {}));
  await node.offers({ eth0: 100, 'eth0-peer': 100 });
});

test('100 devices at once: each tap belongs to the correct link, and no descriptor stays open', options, async () => {
  await using node = await makePluginNode(['eth0']);
  await node.write('p.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', resourceName: 'net' }] }));
  const plugin = node.start();
  await node.offers({ net: 100 });
  // The first call opens descriptors that the process keeps: the gRPC session and the threads of the pool.
  await node.allocate('net');
  // The test waits until the node's state is written, because that also takes a descriptor for a moment.
  const states = () => readdir(join(node.kubeletDirectory, '../manifests'));
  await until(states, (names) => names.includes(`macvtapnetworknodestate-${node.name}.yaml`));
  const openBefore = await descriptors(plugin.pid);
  await Promise.all(Array.from({ length: 99 }, () => node.allocate('net')));
  const macvtaps = await node.namespace.ipJSON<ShownLink>('link show type macvtap');
  assert.equal(macvtaps.length, 100);
  assert.equal(new Set(macvtaps.map(({ ifindex }) => ifindex)).size, 100);
  await until(
    () => descriptors(plugin.pid),
    (open) => open <= openBefore,
  );
});

test('unknown flags are all refused together, with exit code 2', options, async () => {
  await using node = await makePluginNode([]);
  const plugin = node.start('--kubelet-dri', '/x', '--settle', 'soon');
  assert.equal((await plugin.exit).code, 2);
  assert.match(plugin.output, /--kubelet-dri: no such flag/);
  assert.match(plugin.output, /--settle soon/);
});

/**
 * Returns the number of open descriptors of the node plugin. `ip netns exec` and setpriv start the plugin by exec(2),
 * so it has the process ID that `startProcess` returned.
 */
async function descriptors(pid: number): Promise<number> {
  return (await readdir(join('/proc', String(pid), 'fd'))).length;
}
