// SPDX-License-Identifier: Apache-2.0
// The CNI plugin's commands over their socket, with the real ledger and links, inside the node's namespace.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, chown, lstat, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { deviceMAC } from '../../nodeplugin/cni/choose-mac.ts';
import { handleRequest } from '../../nodeplugin/cni/handle-request.ts';
import { checkBeforeStart } from '../../nodeplugin/deviceplugin/check-before-start.ts';
import { deviceIfindex } from '../../policy/device/ifindex.ts';
import { linkName } from '../../policy/device/link-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { until } from '../process/until.ts';
import { type CNINode, makeCNINode, toShimCall } from './cni-node.ts';
import { socketPathOf } from './cni-plugin.ts';
import { callShim } from './cni-shim.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { readTapOwner } from './tap-owner.ts';

const { here } = await runInNamespace(import.meta.filename);
const run = promisify(execFile);
const options = { skip: needsRoot };
const device = 'netMvp0';
const conf = { deviceID: device };

function interfaceOf(output: Readonly<Record<string, unknown>> | undefined, index = 0) {
  return (output?.interfaces as readonly Readonly<Record<string, unknown>>[] | undefined)?.[index];
}

async function shownIn(namespace: NetworkNamespace, ifname = 'net1') {
  const shown = await namespace.ipJSON<{
    ifname: string;
    ifindex: number;
    address: string;
    mtu: number;
    flags: string[];
    linkinfo?: { info_data?: { mode?: string } };
  }>('link show type macvtap');
  return shown.find((link) => link.ifname === ifname);
}

async function assertAttached(node: CNINode, pod: NetworkNamespace, tapPath: string): Promise<void> {
  const shown = await shownIn(pod);
  assert.ok(shown, 'the pod has its link');
  assert.equal(shown.ifindex, deviceIfindex(node.name, device));
  assert.equal(tapPath, `/dev/tap${shown.ifindex}`);
  const { uid, gid, mode } = await lstat(tapPath);
  assert.deepEqual([uid, gid, mode & 0o777], [107, 107, 0o660]);
  assert.deepEqual(await readTapOwner(tapPath), { name: 'net1', macAddress: shown.address });
}

test('ADD makes the link in the pod, up, under the index that kubelet was promised', options, async () => {
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
    network: 'blue',
  });
  assert.equal(parent, 'p0');
});

test('what the configuration asks for is what the link has', options, async () => {
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

test('a passthru link has the address of its parent', options, async () => {
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

test('DEL takes the link and its node away at once, keeps the device known, and can be repeated', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, conf });
  const entry = node.ledger.get(device);
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(await node.call('DEL', { netns: pod.path, conf }), { exitCode: 0, output: undefined });
    await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
    assert.equal(await shownIn(pod), undefined);
    const { attachment, lastUsed, ...left } = node.ledger.get(device) ?? {};
    assert.equal(attachment, undefined);
    assert.deepEqual({ ...entry, ...left }, entry);
  }
  assert.deepEqual(node.troubles, []);
});

test(
  'a sandbox that is made anew gets the same index, node and MAC address, without an Allocate, 20 times',
  options,
  async () => {
    await using node = await makeCNINode(here);
    const tapPath = await node.allocate(device);
    const macs = new Set<unknown>();
    await using pod = await makeNetworkNamespace();
    for (let round = 0; round < 20; round += 1) {
      const containerID = `sandbox${round}`;
      const { exitCode, output } = await node.call('ADD', { netns: pod.path, containerID, conf });
      assert.equal(exitCode, 0, JSON.stringify(output));
      macs.add(interfaceOf(output)?.mac);
      await assertAttached(node, pod, tapPath);
      await node.call('DEL', { netns: pod.path, containerID, conf });
    }
    assert.equal(macs.size, 1);
  },
);

test('a sandbox that was lost without a DEL is freed by the next ADD of its pod', options, async () => {
  const holders = { known: () => [], ask: async () => [{ namespace: 'vms', name: 'vm-a' }] };
  await using node = await makeCNINode(here, { holders });
  const tapPath = await node.allocate(device);
  await using lost = await makeNetworkNamespace();
  await using pod = await makeNetworkNamespace();
  await node.call('ADD', { netns: lost.path, containerID: 'lost', conf });
  const { exitCode } = await node.call('ADD', { netns: pod.path, containerID: 'new', conf });
  assert.equal(exitCode, 0);
  assert.equal(await shownIn(lost), undefined);
  await assertAttached(node, pod, tapPath);
});

test('a second name for a device in one sandbox is refused, and its link stays', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, conf });
  for (const containerID of ['c1', 'c2']) {
    const second = { netns: pod.path, containerID, ifname: 'net2', conf: { ...conf, name: 'red' } };
    const { exitCode, output } = await node.call('ADD', second);
    assert.deepEqual([exitCode, output?.code, output?.details], [1, 100, 'DeviceNamedTwice']);
    assert.match(
      String(output?.msg),
      /is net1 of network blue in this sandbox already, and cannot be net2 of network red too: /,
    );
    assert.equal((await node.call('DEL', second)).exitCode, 0);
  }
  await assertAttached(node, pod, tapPath);
  assert.equal((await node.call('CHECK', { netns: pod.path, conf })).exitCode, 0);
});

test('a late second DEL of the sandbox before, without a namespace, does nothing', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, containerID: 'old', conf });
  await node.call('DEL', { netns: pod.path, containerID: 'old', conf });
  await node.call('ADD', { netns: pod.path, containerID: 'new', conf });
  assert.equal((await node.call('DEL', { netns: '', containerID: 'old', conf })).exitCode, 0);
  assert.equal((await node.call('DEL', { netns: '', containerID: 'new', ifname: 'net2', conf })).exitCode, 0);
  await assertAttached(node, pod, tapPath);
});

test(
  'DEL finds its link without a namespace, a configuration that can be read, or the right device',
  options,
  async () => {
    for (const given of [
      { netns: '' },
      { netns: '', conf: { name: 7, ipam: 'x' } },
      { conf: { deviceID: 'otherMvp1' } },
    ]) {
      await using node = await makeCNINode(here);
      await using pod = await makeNetworkNamespace();
      await node.allocate(device);
      await node.call('ADD', { netns: pod.path, conf });
      assert.equal((await node.call('DEL', given)).exitCode, 0);
      assert.equal(await shownIn(pod), undefined);
      assert.equal(node.ledger.get(device)?.attachment, undefined);
    }
  },
);

test('DEL finds its link by what it stands on, when the pod gave it another name and address', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, conf });
  await pod.ip('link set net1 down');
  await pod.ip('link set net1 name mine');
  await pod.ip('link set mine address 52:54:00:01:02:03');
  assert.equal((await node.call('DEL', { netns: pod.path, conf })).exitCode, 0);
  assert.equal(await shownIn(pod, 'mine'), undefined);
  await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
  // A stranger's on another parent, which took the number since, is left alone.
  await node.call('ADD', { netns: pod.path, conf });
  await pod.ip('link del net1');
  await pod.ip('link add o0 type veth peer name o1');
  await pod.ip(`link add link o0 name foreign index ${deviceIfindex(node.name, device)} type macvtap`);
  assert.equal((await node.call('DEL', { netns: pod.path, conf })).exitCode, 0);
  assert.ok(await shownIn(pod, 'foreign'));
  await pod.ip('link del o0');
});

test('a namespace that is gone is no hindrance, neither to DEL nor to the next ADD', options, async () => {
  await using node = await makeCNINode(here);
  const tapPath = await node.allocate(device);
  {
    await using gone = await makeNetworkNamespace();
    await node.call('ADD', { netns: gone.path, containerID: 'gone', conf });
  }
  assert.equal((await node.call('DEL', { netns: '', containerID: 'gone', conf })).exitCode, 0);
  assert.equal(node.ledger.get(device)?.attachment, undefined);
  await using pod = await makeNetworkNamespace();
  const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
  assert.equal(exitCode, 0, JSON.stringify(output));
  await assertAttached(node, pod, tapPath);
});

test(
  'a link in a namespace that no path leads to any more, but a process is in, is found and freed',
  options,
  async () => {
    await using node = await makeCNINode(here);
    const tapPath = await node.allocate(device);
    const hidden = await makeNetworkNamespace();
    const process = hidden.spawn('sleep', ['60']);
    try {
      await node.call('ADD', { netns: hidden.path, containerID: 'hidden', conf });
      // As a runtime removes the mount.
      await here.ip(`netns del ${hidden.name}`);
      assert.ok((await stat(tapPath)).isCharacterDevice(), 'the process keeps it');
      await using pod = await makeNetworkNamespace();
      const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
      assert.equal(exitCode, 0, JSON.stringify(output));
      await assertAttached(node, pod, tapPath);
    } finally {
      process.kill();
    }
  },
);

test(
  'after a reboot, with all links gone and the numbers of parents changed, ADD gives back what the pod had',
  options,
  async () => {
    await using node = await makeCNINode(here);
    const tapPath = await node.allocate(device);
    let mac: unknown;
    {
      await using before = await makeNetworkNamespace();
      mac = interfaceOf((await node.call('ADD', { netns: before.path, conf })).output)?.mac;
    }
    await here.ip('link del p0');
    await here.ip('link add other type veth peer name other1');
    await here.ip('link add p0 type veth peer name p1');
    await here.ip('link set p0 up');
    await node.look();
    await using pod = await makeNetworkNamespace();
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, containerID: 'c2', conf });
    assert.equal(exitCode, 0, JSON.stringify(output));
    assert.equal(interfaceOf(output)?.mac, mac);
    await assertAttached(node, pod, tapPath);
    await here.ip('link del other');
  },
);

test('a parent that is gone is told with code 11, and a later ADD works', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await here.ip('link del p0');
  // Before and after the node plugin knows.
  for (const isKnown of [false, true]) {
    if (isKnown) await node.look();
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
    assert.deepEqual([exitCode, output?.code], [1, 11]);
    assert.match(
      String(output?.msg),
      /^ADD of net1 for pod vms\/vm-a, network blue, device netMvp0 of resource net: .*parent/,
    );
    assert.equal(node.ledger.get(device)?.attachment, undefined);
  }
  await here.ip('link add p0 type veth peer name p1');
  await here.ip('link set p0 up');
  await node.look();
  assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
  await assertAttached(node, pod, tapPath);
});

for (const { title, prepare, given, code, message } of [
  {
    title: 'the shim cannot give the node away',
    given: { onOwn: () => ({ type: 'owned', errno: 1, step: 'chown' }) as const },
    code: 5,
    message: /\/dev\/tap\d+ cannot be given to 107:107: chown: .*\(EPERM\)/,
  },
  {
    title: 'the name is taken in the pod',
    prepare: 'link add net1 type veth peer name x1',
    code: 100,
    message: /another link has the name/,
  },
  {
    title: "the MTU is above the parent's",
    given: { conf: { ...conf, mtu: 9000 } },
    code: 7,
    message: /the MTU 9000 is above the 1500 of p0/,
  },
] as const satisfies readonly {
  title: string;
  prepare?: string;
  given?: object;
  code: number;
  message: RegExp;
}[] as readonly {
  readonly title: string;
  readonly prepare?: string;
  readonly given?: object;
  readonly code: number;
  readonly message: RegExp;
}[]) {
  test(`an ADD that fails takes everything back: ${title}`, options, async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    const tapPath = await node.allocate(device);
    if (prepare !== undefined) await pod.ip(prepare);
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf, ...given });
    assert.deepEqual([exitCode, output?.code], [1, code], JSON.stringify(output));
    assert.match(String(output?.msg), message);
    assert.equal(node.ledger.get(device)?.attachment, undefined);
    assert.deepEqual(await pod.ipJSON('link show type macvtap'), []);
    await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
    if (prepare !== undefined) await pod.ip('link del net1');
    assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0, 'the next one works');
    await assertAttached(node, pod, tapPath);
  });
}

test(
  'a MAC address that is in use is told with its holder: the parent, or a device in another pod',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await using other = await makeNetworkNamespace();
    await node.allocate(device);
    await node.allocate('netMvp1');
    const [parent] = await here.ipJSON<{ address: string }>('link show p0');
    const mac = '52:54:00:00:00:77';
    await node.call('ADD', { netns: other.path, containerID: 'other', conf: { deviceID: 'netMvp1', mac } });
    for (const [taken, holder] of [
      [parent?.address, 'parent p0 itself'],
      [mac, 'device netMvp1'],
    ]) {
      const { output } = await node.call('ADD', { netns: pod.path, conf: { ...conf, mac: taken } });
      assert.match(String(output?.msg), new RegExp(`MAC address ${taken} is in use by ${holder}`));
    }
  },
);

test('an ADD whose result could not be printed makes no link', options, async () => {
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
    assert.deepEqual([exitCode, code], [1, key.startsWith('"ipam"') ? 2 : 7], details);
    assert.equal(await shownIn(pod), undefined);
    assert.equal(node.ledger.get(device)?.attachment, undefined);
  }
});

test('an ADD that is repeated for the same sandbox leaves the link that stands', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, conf });
  // In devtmpfs a node that is made anew has another one.
  const { ino } = await lstat(tapPath);
  assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
  assert.equal((await lstat(tapPath)).ino, ino);
  // One that is to be something else is made anew.
  assert.equal((await node.call('ADD', { netns: pod.path, conf: { ...conf, mtu: 1300 } })).exitCode, 0);
  assert.equal((await shownIn(pod))?.mtu, 1300);
  await assertAttached(node, pod, tapPath);
});

test("the node's own namespace, and a file that is no namespace, are refused", options, async () => {
  await using node = await makeCNINode(here);
  await node.allocate(device);
  for (const netns of ['/proc/1/ns/net/../../self/ns/net', '/etc/passwd', '/run/netns/../../dev/null']) {
    const { output } = await node.call('ADD', { netns, conf });
    assert.equal(output?.code, 4, netns);
  }
  for (const netns of [`/proc/${process.pid}/ns/net`, '/run/netns/kmt-never-was', here.path]) {
    const { output } = await node.call('ADD', { netns, conf });
    assert.equal(output?.code, 8, netns);
  }
  // A namespace, but of another kind.
  const uts = `/run/netns/kmt-${process.pid}-uts`;
  await writeFile(uts, '');
  await run('mount', ['--bind', '/proc/self/ns/uts', uts]);
  try {
    const { output } = await node.call('ADD', { netns: uts, conf });
    assert.deepEqual([output?.code, output?.details], [8, 'NetnsInvalid']);
    assert.match(String(output?.msg), /it is a namespace, but not of the network/);
  } finally {
    await run('umount', [uts]);
    await rm(uts);
  }
  assert.ok(await node.links.getLink({ name: linkName(device) }), 'the placeholder stays');
});

test(
  'a node that came to another link before ADD could make its own is neither given away nor started with',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await using other = await makeNetworkNamespace();
    await other.ip('link add o0 type veth peer name o1');
    const tapPath = await node.allocate(device);
    const ifindex = deviceIfindex(node.name, device);
    const { createMacvtap } = node.context.links;
    const beaten = {
      ...node.context,
      links: {
        ...node.context.links,
        createMacvtap: async (...given: Parameters<typeof createMacvtap>) => {
          await other.ip(`link add link o0 name foreign index ${ifindex} type macvtap`);
          await createMacvtap(...given);
        },
      },
    };
    const { environment, conf: given } = toShimCall('ADD', { netns: pod.path, conf });
    const request = {
      environment: new Map(Object.entries(environment)),
      stdin: Buffer.from(JSON.stringify(given)),
    };
    const owned: unknown[] = [];
    const own = async (tap: unknown) => void owned.push(tap);
    const { exitCode, output } = await handleRequest(request, own, beaten, AbortSignal.timeout(10_000));
    const { code, details, msg } = JSON.parse(output);
    assert.deepEqual([exitCode, code, details, owned], [1, 11, 'TapNodeTaken', []]);
    assert.match(msg, /is of link foreign with the ifindex \d+ and not of net1; it is tried again$/);
    assert.equal(await shownIn(pod), undefined);
    assert.deepEqual(await readTapOwner(tapPath).then(({ name }) => name), 'foreign');
    await other.ip('link del foreign');

    // The same of a link that was attached and, with another one before it, made anew by somebody.
    assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
    const start = () => checkBeforeStart(device, allocateContext, AbortSignal.timeout(10_000));
    const allocateContext = {
      nodeName: node.name,
      ledger: node.ledger,
      links: node.context.links,
      findInterface: () => undefined,
    };
    await start();
    const { mac = '' } = node.ledger.get(device)?.attachment ?? {};
    await pod.ip('link del net1');
    await other.ip(`link add link o0 name foreign index ${ifindex} type macvtap`);
    await pod.ip('link add x0 type veth peer name x1');
    await pod.ip(`link add link x0 name net1 address ${mac} index ${ifindex} type macvtap mode bridge`);
    await assert.rejects(start(), { code: 'TapNodeUnusable', message: /the node is not its own/ });
    for (const namespace of [pod, other]) await namespace.ip(namespace === pod ? 'link del x0' : 'link del o0');
  },
);

test('CHECK passes on what ADD made, and names what differs after that', options, async () => {
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
  await wrong({ containerID: 'c2' }, /no device is known to be attached so/);
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

test('GC removes what its own network does not name, and nothing else', options, async () => {
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
});

test('GC takes the list as libcni writes it: null when it is empty, and under the older key too', options, async () => {
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
});

test('a DEL that waits for a device gives up with its caller', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  const gate = Promise.withResolvers<void>();
  const holding = node.context.lock.run([linkName(device)], () => gate.promise);
  const { environment, conf: given } = toShimCall('DEL', { netns: pod.path, conf });
  const request = { environment: new Map(Object.entries(environment)), stdin: Buffer.from(JSON.stringify(given)) };
  const { output } = await handleRequest(request, async () => {}, node.context, AbortSignal.timeout(50));
  assert.equal(JSON.parse(output).details, 'Aborted');
  gate.resolve();
  await holding;
});

test('twenty pods at once are all attached, and all detached', { ...options, timeout: 90_000 }, async () => {
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

test('a DEL beside the ADD of the same attachment leaves either nothing or what the ledger says', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  for (let round = 0; round < 10; round += 1) {
    await Promise.all([node.call('ADD', { netns: pod.path, conf }), node.call('DEL', { netns: pod.path, conf })]);
    assert.equal((await shownIn(pod)) !== undefined, node.ledger.get(device)?.attachment !== undefined);
  }
});

test('a device that kubelet gave to another pod is refused, and its link stays', options, async () => {
  const holders = { known: () => undefined, ask: async () => [{ namespace: 'vms', name: 'vm-b' }] };
  await using node = await makeCNINode(here, { holders });
  await using victim = await makeNetworkNamespace();
  await using thief = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: victim.path, args: 'K8S_POD_NAMESPACE=vms;K8S_POD_NAME=vm-b', conf });
  const { output } = await node.call('ADD', { netns: thief.path, containerID: 'thief', conf });
  assert.equal(output?.details, 'DeviceHeldElsewhere');
  assert.doesNotMatch(String(output?.msg), /vm-b/, 'no other tenant is named');
  await assertAttached(node, victim, tapPath);
});

test('an ADD that waits for its shim holds up nobody else, but for those of the same device', options, async () => {
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

/** An ADD whose shim does something else before it gives the node away. */
async function startSlowAdd(node: CNINode, pod: NetworkNamespace, meanwhile: () => Promise<void>) {
  const call = toShimCall('ADD', { netns: pod.path, conf });
  return callShim(socketPathOf(node.directory), { ...call, beforeOwned: meanwhile });
}

test('a mode that the device has not is a conflict, unless it was filled in from a policy', options, async () => {
  await using node = await makeCNINode(here, { mode: 'vepa' });
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  const { output } = await node.call('ADD', { netns: pod.path, conf: { ...conf, mode: 'bridge' } });
  assert.deepEqual([output?.code, output?.details], [7, 'ModeConflict']);
  assert.match(
    String(output?.msg),
    /network blue wants mode bridge, and device netMvp0 has mode vepa by policy macvtap-cni\/p: write "mode": "vepa" into NetworkAttachmentDefinition blue/,
  );
  const filledIn = { ...conf, mode: 'bridge', modeFrom: 'policy' };
  assert.equal((await node.call('ADD', { netns: pod.path, conf: filledIn })).exitCode, 0);
  assert.equal((await shownIn(pod))?.linkinfo?.info_data?.mode, 'vepa');
});

test(
  'a parent that became a macvtap is refused, since the kernel would pass over it to its own parent',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await node.allocate(device);
    await here.ip('link del p0');
    await here.ip('link add o0 type veth peer name o1');
    await here.ip('link add link o0 name p0 type macvtap mode bridge');
    await node.look();
    const { output } = await node.call('ADD', { netns: pod.path, conf });
    assert.match(String(output?.msg), /parent p0 of resource net cannot be used: it is a macvtap by now/);
    await here.ip('link del o0');
  },
);

test('a ledger that cannot be written fails an ADD, which leaves nothing, and no DEL', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  const record = node.ledger.record.bind(node.ledger);
  const full = () => Promise.reject(new MacvtapError('FileNotWritten', 'no space left on device (ENOSPC)'));
  node.ledger.record = full;
  const { output } = await node.call('ADD', { netns: pod.path, conf });
  assert.deepEqual([output?.code, await shownIn(pod)], [5, undefined]);
  node.ledger.record = record;
  await node.call('ADD', { netns: pod.path, conf });
  node.ledger.record = full;
  assert.equal((await node.call('DEL', { netns: pod.path, conf })).exitCode, 0);
  assert.equal(await shownIn(pod), undefined);
  assert.deepEqual(
    node.troubles.map(({ code }) => code),
    ['FileNotWritten'],
  );
});

test('work on pods leaves no descriptor behind, whether it succeeds or fails', options, async () => {
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
  assert.deepEqual(await namespaces(), [], 'an open namespace would live on with its taps');
});
