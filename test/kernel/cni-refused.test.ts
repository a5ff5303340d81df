// SPDX-License-Identifier: Apache-2.0
// Tests which ADDs are refused, with which messages, and that a failed ADD changes nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { lstat, rm, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { linkName } from '../../policy/device/device-id.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { assertAttached, device, shownIn } from './attached-pod.ts';
import { makeCNINode } from './cni-node.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here } = await runInNamespace(import.meta.filename);
const run = promisify(execFile);
const options = { skip: needsRoot };
const conf = { deviceID: device };

test('a second name for a device in one sandbox is refused, and the first link stays', options, async () => {
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
      /is already net1 of network blue in this sandbox, and cannot also be net2 of network red: /,
    );
    assert.equal((await node.call('DEL', second)).exitCode, 0);
  }
  await assertAttached(node, pod, tapPath);
  assert.equal((await node.call('CHECK', { netns: pod.path, conf })).exitCode, 0);
});

/**
 * Makes a duplicate: a link with the name and the index of the pod's link, as any owner of a network namespace can.
 * Whichever of the two links is made first has the device node.
 */
async function makeDuplicate(foreign: NetworkNamespace, tapPath: string): Promise<void> {
  await foreign.ip('link add p0 type veth peer name p1');
  const index = tapPath.slice('/dev/tap'.length);
  await foreign.ip(`link add link p0 name net1 index ${index} type macvtap mode bridge`);
}

test(
  "a duplicate of the pod's link that takes the free device node first does not get the virtual machine as owner",
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await using foreign = await makeNetworkNamespace();
    const tapPath = await node.allocate(device);
    const { links } = node.context;
    const create = links.createMacvtap;
    links.createMacvtap = async (request, signal) => {
      await makeDuplicate(foreign, tapPath);
      await create(request, signal);
    };
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
    assert.deepEqual([exitCode, output?.code, output?.details], [1, 11, 'TapNodeTaken']);
    assert.match(String(output?.msg), /may belong to another link of that name; kubelet tries again$/);
    assert.equal(await shownIn(pod), undefined);
    assert.equal((await lstat(tapPath)).uid, 0);
    links.createMacvtap = create;
    await foreign.ip('link del net1');
    assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
    await assertAttached(node, pod, tapPath);
  },
);

test(
  'a link may get the device number of the previous link, which the kernel still lists for a moment',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await using foreign = await makeNetworkNamespace();
    const tapPath = await node.allocate(device);
    const call = { netns: pod.path, conf };
    const { links } = node.context;
    const { listTaps } = links;
    let late: readonly string[] = [];
    links.listTaps = (ifindex) => {
      const [before, now] = [late, listTaps(ifindex)];
      late = [];
      return [...new Set([...before, ...now])];
    };
    const listed = () => listTaps(Number(tapPath.slice('/dev/tap'.length)));
    const attach = async (before: readonly string[]) => {
      late = before;
      const { exitCode, output } = await node.call('ADD', call);
      assert.equal(exitCode, 0, JSON.stringify(output));
      await assertAttached(node, pod, tapPath);
    };
    // The previous link is the placeholder that Allocate made. At the same time, there is a duplicate without a device
    // node.
    const placeholder = listed();
    await makeDuplicate(foreign, tapPath);
    await attach(placeholder);
    await foreign.ip('link del net1');
    // The previous link is the one that a DEL has just removed.
    const attached = listed();
    await node.call('DEL', call);
    await attach(attached);
  },
);

test(
  "a duplicate is detected even if the pod's link gets the device number of a link that was just deleted",
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await using former = await makeNetworkNamespace();
    await using foreign = await makeNetworkNamespace();
    const tapPath = await node.allocate(device);
    const { links } = node.context;
    const create = links.createMacvtap;
    // The deleted link had the index of the pod's link, or any other one.
    for (const index of [Number(tapPath.slice('/dev/tap'.length)), 77]) {
      await makeDuplicate(former, `/dev/tap${index}`);
      links.createMacvtap = async (request, signal) => {
        await makeDuplicate(foreign, tapPath);
        await former.ip('link del p0');
        await create(request, signal);
      };
      const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
      assert.deepEqual([exitCode, output?.details], [1, 'TapNodeTaken'], `with an earlier tap of index ${index}`);
      assert.equal((await lstat(tapPath)).uid, 0);
      assert.equal(await shownIn(pod), undefined);
      links.createMacvtap = create;
      await foreign.ip('link del p0');
      assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
      await node.call('DEL', { netns: pod.path, conf });
    }
  },
);

test(
  "a duplicate is detected even if the pod's link gets the device number of another duplicate",
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await using former = await makeNetworkNamespace();
    await using foreign = await makeNetworkNamespace();
    const tapPath = await node.allocate(device);
    await makeDuplicate(former, tapPath);
    const { links } = node.context;
    const create = links.createMacvtap;
    let creations = 0;
    links.createMacvtap = async (request, signal) => {
      creations += 1;
      // The plugin makes the link a second time, because a duplicate exists.
      if (creations === 2) {
        await makeDuplicate(foreign, tapPath);
        await former.ip('link del p0');
      }
      await create(request, signal);
    };
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
    assert.deepEqual([creations, exitCode, output?.details], [2, 1, 'TapNodeTaken']);
    assert.equal((await lstat(tapPath)).uid, 0);
    assert.equal(await shownIn(pod), undefined);
  },
);

test("an ADD lists the node's taps once, also if it is repeated", options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  const { links } = node.context;
  const { listTaps } = links;
  let readings = 0;
  links.listTaps = (ifindex) => {
    readings += 1;
    return listTaps(ifindex);
  };
  // The last ADD finds a link with other settings, and recreates it.
  for (const mtu of [1400, 1400, 1300]) {
    readings = 0;
    assert.equal((await node.call('ADD', { netns: pod.path, conf: { ...conf, mtu } })).exitCode, 0);
    await assertAttached(node, pod, tapPath);
    assert.equal(readings, 1);
  }
});

test(
  "a duplicate of the pod's link without a device node does not interfere, also when ADD is repeated",
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await using foreign = await makeNetworkNamespace();
    const tapPath = await node.allocate(device);
    await makeDuplicate(foreign, tapPath);
    for (const attempt of ['first', 'second']) {
      const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
      assert.equal(exitCode, 0, `${attempt}: ${JSON.stringify(output)}`);
      await assertAttached(node, pod, tapPath);
    }
  },
);

test('a missing parent is reported with code 11, and a later ADD works', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await here.ip('link del p0');
  // The first ADD arrives before the node plugin has noticed that the parent is gone, and the second one afterwards.
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
    title: 'the shim cannot change the owner of the device node',
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
  test(`a failed ADD undoes all its changes: ${title}`, options, async () => {
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

test('a MAC address in use is reported with its user: the parent, or a device in another pod', options, async () => {
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
});

test("the node's own namespace, and a file that is not a namespace, are refused", options, async () => {
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
  // This is a namespace of another kind.
  const uts = `/run/netns/kmt-${process.pid}-uts`;
  await writeFile(uts, '');
  await run('mount', ['--bind', '/proc/self/ns/uts', uts]);
  try {
    const { output } = await node.call('ADD', { netns: uts, conf });
    assert.deepEqual([output?.code, output?.details], [8, 'NetnsInvalid']);
    assert.match(String(output?.msg), /it is not a network namespace/);
  } finally {
    await run('umount', [uts]);
    await rm(uts);
  }
  assert.ok(await node.links.getLink({ name: linkName(device) }), 'the placeholder stays');
});

test('a device that kubelet gave to another pod is refused, and its link stays', options, async () => {
  const holders = {
    known: () => undefined,
    ask: async () => [{ namespace: 'vms', name: 'vm-b' }],
    wasListed: () => false,
  };
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

test(
  "a mode that differs from the device's mode is refused, unless it was filled in from a policy",
  options,
  async () => {
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
  },
);

test(
  'a parent that became a macvtap is refused, because the kernel would use the parent of that macvtap',
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
    assert.match(String(output?.msg), /parent p0 of resource net cannot be used: it is a macvtap now/);
    await here.ip('link del o0');
  },
);

test('if the ledger cannot be written, an ADD fails and leaves nothing, and a DEL succeeds', options, async () => {
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
