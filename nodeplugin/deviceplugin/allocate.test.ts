// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExistingLink } from '../../policy/device/decide-link.ts';
import { deviceIfindex, linkName } from '../../policy/device/device-id.ts';
import { readInterface } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { admitAll } from '../../test/fixtures/admission/admit-all.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import { type AllocatableResource, type AllocateContext, allocateContainers } from './allocate.ts';
import type { DeviceLinks } from './placeholder-link.ts';

const resource: PlannedResource = {
  source: 'policy',
  policy: 'ns/p',
  entry: 0,
  name: 'data',
  parent: 'eth1',
  mode: 'private',
  quantity: 4,
  numaNodes: [],
  needVhostNet: false,
};

interface FakeKernel {
  readonly links: Map<number, ExistingLink>;
  readonly context: AllocateContext;
  /** Ifindexes whose device node in /dev belongs to another link. */
  readonly foreignNodes: Set<number>;
  createFails: MacvtapError | undefined;
  readonly records: Map<string, DeviceRecord>;
  recordFails: MacvtapError | undefined;
  forgetFails: MacvtapError | undefined;
}

/**
 * Creates a kernel whose links are the entries of a map, to test decisions without a real kernel. The tests in
 * test/kernel use the real one.
 */
function fakeKernel(...standing: readonly ExistingLink[]): FakeKernel {
  const links = new Map(standing.map((link) => [link.ifindex, link]));
  const foreignNodes = new Set<number>();
  const kernel: FakeKernel = {
    links,
    foreignNodes,
    createFails: undefined,
    context: {
      nodeName: 'h1',
      admission: admitAll,
      findInterface: (name) => (name === 'eth1' ? readInterface({ name, ifindex: 7 }) : undefined),
      links: {
        async getLink(key) {
          return [...links.values()].find((link) =>
            'name' in key ? link.name === key.name : link.ifindex === key.ifindex,
          );
        },
        async createMacvtap({ name, ifindex, parentIfindex, mode }) {
          if (kernel.createFails) throw kernel.createFails;
          assert.ok(ifindex !== undefined);
          const isTaken = links.has(ifindex) || [...links.values()].some((link) => link.name === name);
          if (isTaken) throw new MacvtapError('LinkNameTaken', 'the kernel reports: File exists');
          links.set(ifindex, { name, ifindex, kind: 'macvtap', parentIfindex, macvtapMode: mode, up: false });
        },
        async deleteLink(ifindex) {
          links.delete(ifindex);
        },
        async readTapNode(ifindex) {
          const isOwn = links.has(ifindex) && !foreignNodes.has(ifindex);
          const hasNode = isOwn || foreignNodes.has(ifindex);
          return { path: `/dev/tap${ifindex}`, matches: isOwn, ...(hasNode && { nodeDevice: '246:1' }) };
        },
        getLinkIn: async () => undefined,
        deleteLinkIn: async () => {},
      },
      ledger: {
        get: (id) => kernel.records.get(id),
        findByIfindex: (ifindex) => [...kernel.records].filter(([, one]) => one.ifindex === ifindex).map(([id]) => id),
        async record(id, entry) {
          if (kernel.recordFails) throw kernel.recordFails;
          kernel.records.set(id, { ...entry, lastUsed: 1 });
        },
        async forget(id) {
          if (kernel.forgetFails) throw kernel.forgetFails;
          kernel.records.delete(id);
        },
      },
    },
    records: new Map(),
    recordFails: undefined,
    forgetFails: undefined,
  };
  return kernel;
}

const { signal: unlimited } = new AbortController();

function allocate(kernel: FakeKernel, ids: readonly string[], served: AllocatableResource = { resource }) {
  return allocateContainers([{ devices_ids: ids }], served, kernel.context, AbortSignal.timeout(60_000));
}

function placeholder(id: string, more: Partial<ExistingLink> = {}): ExistingLink {
  const ifindex = deviceIfindex('h1', id);
  return { name: linkName(id), ifindex, kind: 'macvtap', parentIfindex: 7, macvtapMode: 'private', up: false, ...more };
}

test('a device gets a macvtap that is down, and the container gets its tap', async () => {
  const kernel = fakeKernel();
  const ifindex = deviceIfindex('h1', 'dataMvp2');
  assert.deepEqual(await allocate(kernel, ['dataMvp2']), [
    { devices: [{ container_path: `/dev/tap${ifindex}`, host_path: `/dev/tap${ifindex}`, permissions: 'rw' }] },
  ]);
  assert.deepEqual([...kernel.links.values()], [placeholder('dataMvp2')]);
});

test('with needVhostNet, a container also gets /dev/vhost-net, once and after the taps', async () => {
  const served = { resource: { ...resource, needVhostNet: true } };
  const [answer] = await allocate(fakeKernel(), ['dataMvp0', 'dataMvp1'], served);
  assert.deepEqual(
    answer?.devices?.map(({ host_path }) => host_path),
    [`/dev/tap${deviceIfindex('h1', 'dataMvp0')}`, `/dev/tap${deviceIfindex('h1', 'dataMvp1')}`, '/dev/vhost-net'],
  );
});

test('an existing placeholder that fits is reused', async () => {
  const left = placeholder('dataMvp0');
  const kernel = fakeKernel(left);
  await allocate(kernel, ['dataMvp0']);
  assert.equal(kernel.links.get(left.ifindex), left);
});

test('a placeholder that is known by its tap is reused, without a request for it', async () => {
  const kernel = fakeKernel();
  const noted: string[] = [];
  const links: DeviceLinks = {
    ...kernel.context.links,
    getLink: async () => assert.fail('the kernel was asked for the link'),
    knownTaps: {
      note: ({ name }) => noted.push(name),
      has: ({ name }, { matches }) => matches && noted.includes(name),
    },
  };
  const call = () =>
    allocateContainers([{ devices_ids: ['dataMvp0'] }], { resource }, { ...kernel.context, links }, unlimited);
  const first = await call();
  const [left] = kernel.links.values();
  assert.deepEqual(await call(), first);
  assert.equal(kernel.links.get(deviceIfindex('h1', 'dataMvp0')), left);
  assert.deepEqual(noted, [linkName('dataMvp0')]);
});

const misfits = [
  { title: 'another parent', more: { parentIfindex: 8 } },
  { title: 'another mode', more: { macvtapMode: 'bridge' } },
  { title: 'another index', more: { ifindex: 99 } },
  { title: 'up', more: { up: true } },
] as const;

for (const { title, more } of misfits) {
  test(`an existing placeholder that does not fit is replaced: ${title}`, async () => {
    const kernel = fakeKernel(placeholder('dataMvp0', more));
    await allocate(kernel, ['dataMvp0']);
    assert.deepEqual([...kernel.links.values()], [placeholder('dataMvp0')]);
  });
}

const refusals = [
  { title: 'a device that no resource offers', ids: ['dataMvp4'], code: 'UnknownDevice' },
  { title: 'a device of another resource', ids: ['otherMvp0'], code: 'UnknownDevice' },
  { title: 'an invalid device ID', ids: ['../../etc'], code: 'UnknownDevice' },
  { title: 'an unknown device among known devices', ids: ['dataMvp0', 'dataMvp04'], code: 'UnknownDevice' },
] as const;

for (const { title, ids, code } of refusals) {
  test(`${title} is rejected, and no link is created`, async () => {
    const kernel = fakeKernel();
    await assert.rejects(allocate(kernel, ids), { code });
    assert.equal(kernel.links.size, 0);
  });
}

test('the error for a missing parent names device, parent and resource', async () => {
  const served = { resource: { ...resource, parent: 'eth9' } };
  await assert.rejects(allocate(fakeKernel(), ['dataMvp0'], served), {
    code: 'ParentUnavailable',
    message: /dataMvp0.*eth9.*data/,
  });
});

test('an allocation fails with the reason why its resource cannot be used', async () => {
  await assert.rejects(allocate(fakeKernel(), ['dataMvp0'], { resource, fault: 'Enslaved' }), {
    code: 'ParentUnavailable',
    message: /a port of another interface/,
  });
});

function fallback(id: string, attempt: number): ExistingLink {
  return placeholder(id, { ifindex: deviceIfindex('h1', id, attempt) });
}

test("an unrelated link with the device's index is not changed, and the next index is used", async () => {
  const stranger = placeholder('dataMvp0', { name: 'vm0' });
  const kernel = fakeKernel(stranger);
  await allocate(kernel, ['dataMvp0']);
  assert.deepEqual([...kernel.links.values()], [stranger, fallback('dataMvp0', 1)]);
  assert.equal(kernel.records.get('dataMvp0')?.attempt, 1);
});

test("no index can be used if an unrelated link has the device's link name", async () => {
  const stranger = placeholder('dataMvp0', { kind: 'dummy' });
  const kernel = fakeKernel(stranger);
  await assert.rejects(allocate(kernel, ['dataMvp0']), { code: 'TapNodeTaken', message: /dataMvp0.*mvt.*dummy/ });
  assert.deepEqual([...kernel.links.values()], [stranger]);
});

test('a device node of a link in another namespace is not changed, and the next index is used', async () => {
  const kernel = fakeKernel();
  kernel.foreignNodes.add(deviceIfindex('h1', 'dataMvp0'));
  const [answer] = await allocate(kernel, ['dataMvp0']);
  assert.equal(answer?.devices?.[0]?.host_path, `/dev/tap${deviceIfindex('h1', 'dataMvp0', 1)}`);
  assert.deepEqual([...kernel.links.values()], [fallback('dataMvp0', 1)]);
});

test('a placeholder whose node belongs to another link is recreated under the next index', async () => {
  const kernel = fakeKernel(placeholder('dataMvp0'));
  kernel.foreignNodes.add(deviceIfindex('h1', 'dataMvp0'));
  await allocate(kernel, ['dataMvp0']);
  assert.deepEqual([...kernel.links.values()], [fallback('dataMvp0', 1)]);
});

test('an allocated device is in the ledger, and a device that cannot be recorded is not allocated', async () => {
  const kernel = fakeKernel();
  await allocate(kernel, ['dataMvp0']);
  const ifindex = deviceIfindex('h1', 'dataMvp0');
  assert.deepEqual(kernel.records.get('dataMvp0'), {
    ...{ resource: 'data', parent: 'eth1', parentIfindex: 7, mode: 'private', ifindex, attempt: 0, lastUsed: 1 },
  });
  kernel.recordFails = new MacvtapError('FileNotWritten', 'the disk is full');
  await assert.rejects(allocate(kernel, ['dataMvp1']), { code: 'FileNotWritten' });
  assert.deepEqual([...kernel.links.values()], [placeholder('dataMvp0')]);
});

test('a request gets all devices or none: a late failure removes the new links, but not the existing ones', async () => {
  const left = placeholder('dataMvp0');
  const kernel = fakeKernel(left);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    kernel.foreignNodes.add(deviceIfindex('h1', 'dataMvp2', attempt));
  }
  await assert.rejects(allocate(kernel, ['dataMvp0', 'dataMvp1', 'dataMvp2']), { code: 'TapNodeTaken' });
  assert.deepEqual([...kernel.links.values()], [left]);
  assert.deepEqual([...kernel.records.keys()], ['dataMvp0']);
});

test('an error of the kernel keeps its code, and names device, resource and parent', async () => {
  const kernel = fakeKernel();
  kernel.createFails = new MacvtapError('ParentEnslaved', 'the kernel reports: Device or resource busy');
  await assert.rejects(allocate(kernel, ['dataMvp3']), {
    code: 'ParentEnslaved',
    message: /dataMvp3 of resource data on parent eth1.*busy/,
  });
});

test('an error while an allocation is undone does not hide the original error', async () => {
  const kernel = fakeKernel();
  kernel.forgetFails = new MacvtapError('FileNotWritten', 'the disk is full');
  for (let attempt = 0; attempt < 8; attempt += 1) kernel.foreignNodes.add(deviceIfindex('h1', 'dataMvp1', attempt));
  await assert.rejects(allocate(kernel, ['dataMvp0', 'dataMvp1']), { code: 'TapNodeTaken' });
  assert.equal(kernel.links.size, 0);
});

test('the index of another device is not used, even while that device has no link', async () => {
  const kernel = fakeKernel();
  const ifindex = deviceIfindex('h1', 'dataMvp2');
  const entry = { resource: 'other', parent: 'eth1', mode: 'bridge', ifindex, attempt: 0, lastUsed: 1 } as const;
  // The other device has no link, because its sandbox is being recreated or the node was rebooted.
  kernel.records.set('otherMvp7', entry);
  const [answer] = await allocate(kernel, ['dataMvp2']);
  const next = deviceIfindex('h1', 'dataMvp2', 1);
  assert.equal(answer?.devices?.[0]?.host_path, `/dev/tap${next}`);
  assert.deepEqual([kernel.records.get('dataMvp2')?.attempt, kernel.records.get('otherMvp7')], [1, entry]);
});

test('the entry is written while the link is created, unless the former entry shows where a link is', async () => {
  for (const attached of [false, true]) {
    const kernel = fakeKernel();
    const attachment = {
      containerID: 'c',
      ifname: 'net1',
      netnsPath: '/run/netns/x',
      netnsInode: 1,
      mac: '02:00:00:00:00:01',
    };
    const former = { resource: 'data', parent: 'eth1', mode: 'private', ifindex: 3, attempt: 0, lastUsed: 0 } as const;
    kernel.records.set('dataMvp0', { ...former, ...(attached && { attachment }) });
    let before: DeviceRecord | undefined;
    const { links } = kernel.context;
    const createMacvtap: typeof links.createMacvtap = async (...given) => {
      before = kernel.records.get('dataMvp0');
      await links.createMacvtap(...given);
    };
    await allocate({ ...kernel, context: { ...kernel.context, links: { ...links, createMacvtap } } }, ['dataMvp0']);
    assert.equal(before?.attachment !== undefined, attached);
    assert.equal(before?.ifindex === 3, attached);
    assert.equal(kernel.records.get('dataMvp0')?.attachment, undefined);
  }
});

test('an allocation whose link cannot be created restores the former entry, or removes the new one', async () => {
  const kernel = fakeKernel();
  kernel.createFails = new MacvtapError('ParentGone', 'the parent is gone');
  await assert.rejects(allocate(kernel, ['dataMvp0']), { code: 'ParentGone' });
  assert.equal(kernel.records.get('dataMvp0'), undefined);
  const former = { resource: 'data', parent: 'eth1', mode: 'private', ifindex: 3, attempt: 0, lastUsed: 0 } as const;
  kernel.records.set('dataMvp0', { ...former, pod: 'vms/a' });
  await assert.rejects(allocate(kernel, ['dataMvp0']), { code: 'ParentGone' });
  assert.equal(kernel.records.get('dataMvp0')?.pod, 'vms/a');
});
