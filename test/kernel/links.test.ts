// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { open, readdir, stat } from 'node:fs/promises';
import { afterEach, beforeEach, test } from 'node:test';
import type { MacvtapRequest } from '../../nodeplugin/links/create-macvtap.ts';
import { type Links, openLinks } from '../../nodeplugin/links/links.ts';
import { createKnownTaps, probeMacvtap } from '../../nodeplugin/links/open-node-links.ts';
import { readTapNode } from '../../nodeplugin/links/tap-node.ts';
import type { WantedLink } from '../../policy/device/decide-link.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here, there } = await runInNamespace(import.meta.filename);

/** All network namespaces share one /dev, so each process uses separate indexes. */
const ownIfindex = 0x5000_0000 + (process.pid % 0x10_0000) * 16;

let links: Links;
let parentIfindex = 0;

beforeEach(async () => {
  if (needsRoot) return;
  links = await openLinks();
  await here.ip('link add p0 type veth peer name p1');
  await here.ip('link set p0 up');
  parentIfindex = await ifindexOf('p0');
});

afterEach(async () => {
  if (needsRoot) return;
  await links[Symbol.asyncDispose]();
  for (const namespace of [here, there]) {
    for (const { ifname, ifindex } of await namespace.ipJSON('link')) {
      // The macvtaps and the veth peer p1 are deleted with p0, so they may already be gone.
      if (ifindex !== 1) await namespace.ip(`link del ${ifname}`).catch(() => undefined);
    }
  }
});

async function ifindexOf(name: string, namespace = here): Promise<number> {
  const [shown] = await namespace.ipJSON<{ ifindex: number }>(`link show ${name}`);
  return shown?.ifindex ?? 0;
}

async function create(request: Partial<MacvtapRequest> = {}): Promise<number> {
  const name = request.name ?? 'mv0';
  await links.createMacvtap({ name, parentIfindex, mode: 'bridge', ...request });
  return request.netnsFd === undefined ? ifindexOf(name) : ifindexOf(name, there);
}

for (const mode of ['bridge', 'private', 'vepa', 'passthru'] as const) {
  test(`iproute2 shows a macvtap in ${mode} mode as requested`, { skip: needsRoot }, async () => {
    const macAddress = '52:54:00:0a:0b:0c';
    await create({ mode, mtu: 1300, up: true, ifindex: ownIfindex, ...(mode !== 'passthru' && { macAddress }) });
    const [shown] = await here.ipJSON('link show mv0');
    const info = shown?.linkinfo as { info_kind?: string; info_data?: { mode?: string } } | undefined;
    assert.equal(shown?.ifindex, ownIfindex);
    assert.equal(shown?.link, 'p0');
    assert.equal(shown?.mtu, 1300);
    assert.match(String(shown?.flags), /\bUP\b/);
    assert.equal(info?.info_kind, 'macvtap');
    assert.equal(info?.info_data?.mode, mode);
    const details = await links.getLink({ name: 'mv0' });
    assert.deepEqual(details, {
      name: 'mv0',
      ifindex: ownIfindex,
      kind: 'macvtap',
      parentIfindex,
      macvtapMode: mode,
      up: true,
      promiscuous: false,
      mtu: 1300,
      macAddress: shown?.address,
    });
    if (mode !== 'passthru') assert.equal(details?.macAddress, macAddress);
    assert.deepEqual(await links.getLink({ ifindex: ownIfindex }), details);
  });
}

test("with default settings, a macvtap is down, has the parent's MTU, and an index that the kernel chose", {
  skip: needsRoot,
}, async () => {
  await here.ip('link set p0 mtu 1444');
  const ifindex = await create();
  const details = await links.getLink({ ifindex });
  assert.deepEqual([details?.up, details?.mtu], [false, 1444]);
});

test('a link that does not exist is undefined, also for a name that no link can have', {
  skip: needsRoot,
}, async () => {
  assert.equal(await links.getLink({ name: 'nothing' }), undefined);
  assert.equal(await links.getLink({ name: 'a-name-of-more-than-fifteen' }), undefined);
  assert.equal(await links.getLink({ ifindex: 999_999 }), undefined);
});

test("the tap of a new macvtap has the link's device number, and is deleted with the link", {
  skip: needsRoot,
}, async () => {
  await create({ ifindex: ownIfindex });
  const node = await readTapNode(ownIfindex);
  assert.equal(node.path, `/dev/tap${ownIfindex}`);
  assert.deepEqual([node.matches, node.linkDevice], [true, node.nodeDevice]);
  await links.deleteLink(ownIfindex);
  assert.deepEqual(await readTapNode(ownIfindex), { path: node.path, matches: false });
});

test('a known link is recognised by its tap while it is down and the same, and never after it was replaced', {
  skip: needsRoot,
}, async () => {
  const wanted = { name: 'mv0', ifindex: ownIfindex, parentIfindex, mode: 'bridge' } as const;
  const known = createKnownTaps();
  const isKnown = async (link: WantedLink = wanted) => known.has(link, await readTapNode(ownIfindex));
  await create({ ifindex: ownIfindex });
  assert.equal(await isKnown(), false);
  known.note(wanted, await readTapNode(ownIfindex));
  assert.equal(await isKnown(), true);
  assert.equal(await isKnown({ ...wanted, mode: 'vepa' }), false);
  assert.equal(await isKnown({ ...wanted, parentIfindex: parentIfindex + 1 }), false);
  await here.ip('link set mv0 up');
  assert.equal(await isKnown(), false);
  await here.ip('link set mv0 down');
  assert.equal(await isKnown(), true);
  await here.ip('link set mv0 name mv1');
  assert.equal(await isKnown(), false);
  await links.deleteLink(ownIfindex);
  assert.equal(await isKnown(), false);
  await create({ ifindex: ownIfindex });
  assert.equal(await isKnown(), false);
});

test('a second link with the same index in another namespace gets no device node, and that is detected', {
  skip: needsRoot,
}, async () => {
  await there.ip('link add q0 type veth peer name q1');
  await there.ip(`link add link q0 name mv9 index ${ownIfindex} type macvtap mode bridge`);
  await create({ ifindex: ownIfindex });
  const node = await readTapNode(ownIfindex);
  assert.equal(node.matches, false);
  assert.notEqual(node.linkDevice, node.nodeDevice);
});

test('a macvtap can be made directly in another namespace', { skip: needsRoot }, async () => {
  await using netns = await open(there.path);
  await create({ name: 'net1', netnsFd: netns.fd, ifindex: ownIfindex, up: true });
  assert.equal(await ifindexOf('net1', there), ownIfindex);
  assert.equal(await links.getLink({ name: 'net1' }), undefined);
  assert.ok((await stat(`/dev/tap${ownIfindex}`)).isCharacterDevice());
});

for (const [what, code, prepare, request] of [
  ['whose name is taken', 'LinkNameTaken', '', { name: 'p1' }],
  [
    'whose index is taken',
    'IfindexTaken',
    `link add q0 index ${ownIfindex} type veth peer name q1`,
    { ifindex: ownIfindex },
  ],
  ['whose parent is gone', 'ParentGone', '', { parentIfindex: 999_999 }],
  ['on the loopback', 'ParentUnsuitable', '', { parentIfindex: 1 }],
  ['with a name of sixteen bytes', 'LinkNameInvalid', '', { name: 'abcdefghijklmnop' }],
  ['with a slash in its name', 'LinkNameInvalid', '', { name: 'a/b' }],
  ['with a name in which the kernel would insert a number', 'LinkNameInvalid', '', { name: 'mv%d' }],
  ["with an MTU above its parent's", 'MTUAboveParent', '', { mtu: 9000 }],
  ['with an MTU below 68', 'NetlinkRefused', '', { mtu: 67 }],
  ['with a multicast MAC address', 'MACAddressInvalid', '', { macAddress: '53:54:00:00:00:01' }],
  ['with a MAC address of zeros', 'MACAddressInvalid', '', { macAddress: '00:00:00:00:00:00' }],
  ['with an invalid MAC address', 'MACAddressInvalid', '', { macAddress: 'p0' }],
  [
    "with its parent's MAC address, up",
    'MACAddressTaken',
    'link set p0 address 52:54:00:00:00:09',
    { macAddress: '52:54:00:00:00:09', up: true },
  ],
  [
    'in passthru mode, next to another macvtap',
    'PassthruExclusive',
    'link add link p0 name mv1 type macvtap mode bridge',
    { mode: 'passthru' },
  ],
  [
    'in bridge mode, next to one in passthru mode',
    'PassthruExclusive',
    'link add link p0 name mv1 type macvtap mode passthru',
    {},
  ],
  ['in an invalid namespace', 'NetlinkRefused', '', { netnsFd: 9999 }],
] as const) {
  test(`a macvtap ${what} is refused as ${code}, and nothing is left behind`, { skip: needsRoot }, async () => {
    if (prepare !== '') await here.ip(prepare);
    const before = (await here.ipJSON('link')).map(({ ifname }) => ifname);
    const wanted = { name: 'mv0', parentIfindex, mode: 'bridge', ...request } as const;
    await assert.rejects(links.createMacvtap(wanted), { code, message: / macvtap \S+.*: .+/ });
    assert.deepEqual(
      (await here.ipJSON('link')).map(({ ifname }) => ifname),
      before,
    );
  });
}

test('a macvtap on a port of a bridge is refused as ParentEnslaved', { skip: needsRoot }, async () => {
  await here.ip('link add b0 type bridge');
  await here.ip('link set p0 master b0');
  await assert.rejects(create(), { code: 'ParentEnslaved', message: /busy/ });
});

test('a macvtap on a macvtap gets the parent of that macvtap', { skip: needsRoot }, async () => {
  const lower = await create();
  const upper = await create({ name: 'mv1', parentIfindex: lower });
  assert.equal((await links.getLink({ ifindex: upper }))?.parentIfindex, parentIfindex);
});

test('support for macvtap in the kernel is detected, and no link is left behind', { skip: needsRoot }, async () => {
  assert.equal(await probeMacvtap(links), true);
  assert.equal((await here.ipJSON('link')).length, 3);
});

test('a link is deleted, and deleting it again succeeds', { skip: needsRoot }, async () => {
  const ifindex = await create();
  await links.deleteLink(ifindex);
  assert.equal(await links.getLink({ ifindex }), undefined);
  await links.deleteLink(ifindex);
});

test('the loopback interface is not deleted, and the error names it', { skip: needsRoot }, async () => {
  await assert.rejects(links.deleteLink(1), { code: 'NetlinkRefused', message: /ifindex 1/ });
});

test('a moved link keeps its index, and gets its new name and a matching device node', {
  skip: needsRoot,
}, async () => {
  await using netns = await open(there.path);
  await create({ ifindex: ownIfindex });
  await links.moveLink({ ifindex: ownIfindex, netnsFd: netns.fd, name: 'net1' });
  assert.equal(await ifindexOf('net1', there), ownIfindex);
  assert.equal(await links.getLink({ ifindex: ownIfindex }), undefined);
  assert.ok((await stat(`/dev/tap${ownIfindex}`)).isCharacterDevice());
});

test('a move to a namespace in which the index is taken is refused, and the link stays', {
  skip: needsRoot,
}, async () => {
  await using netns = await open(there.path);
  await there.ip(`link add q0 index ${ownIfindex} type veth peer name q1`);
  const ifindex = await create({ ifindex: ownIfindex });
  await assert.rejects(links.moveLink({ ifindex, netnsFd: netns.fd }), { code: 'IfindexTaken' });
  assert.equal((await links.getLink({ ifindex }))?.name, 'mv0');
  await links.moveLink({ ifindex, netnsFd: netns.fd, newIfindex: ownIfindex + 1, name: 'net1' });
  assert.equal(await ifindexOf('net1', there), ownIfindex + 1);
});

for (const [what, prepare, moved] of [
  ['a link moves with its old name if the new name is taken there', 'link add q0 type veth peer name net1', true],
  ['a link does not move if both names are taken there', 'link add mv0 type veth peer name net1', false],
] as const) {
  test(`${what}, and the error shows that`, { skip: needsRoot }, async () => {
    await using netns = await open(there.path);
    await there.ip(prepare);
    const ifindex = await create({ ifindex: ownIfindex });
    await assert.rejects(links.moveLink({ ifindex, netnsFd: netns.fd, name: 'net1' }), (error) => {
      assert.ok(error instanceof MacvtapError);
      assert.deepEqual([error.code, error.facts.moved], ['LinkNameTaken', moved]);
      return true;
    });
    assert.equal((await ifindexOf('mv0', there)) === ownIfindex, moved);
  });
}

test('a link that no longer exists cannot be moved', { skip: needsRoot }, async () => {
  await using netns = await open(there.path);
  await assert.rejects(links.moveLink({ ifindex: 999_999, netnsFd: netns.fd }), { code: 'LinkGone' });
});

test('a hundred macvtaps are created at once, and deleted at once', { skip: needsRoot, timeout: 180_000 }, async () => {
  const names = Array.from({ length: 100 }, (_, i) => `mv${i}`);
  await Promise.all(names.map((name) => links.createMacvtap({ name, parentIfindex, mode: 'bridge' })));
  const made = (await here.ipJSON<{ ifname: string; ifindex: number }>('link')).filter(({ ifname }) =>
    /^mv/.test(ifname),
  );
  assert.deepEqual(made.map(({ ifname }) => ifname).toSorted(), names.toSorted());
  for (const { ifindex } of made) assert.equal((await readTapNode(ifindex)).matches, true);
  await Promise.all(made.map(({ ifindex }) => links.deleteLink(ifindex)));
  assert.equal((await here.ipJSON('link')).length, 3);
});

test('a listener is called when a link is gone, and its device node with it', { skip: needsRoot }, async () => {
  await using _watch = await links.watchInterfaces((error) => assert.fail(error));
  const ifindex = await create({ ifindex: ownIfindex });
  const removed = Promise.withResolvers<ReadonlySet<number>>();
  using _listening = links.onRemoval(removed.resolve);
  const deletion = links.deleteLink(ifindex);
  assert.deepEqual(await removed.promise, new Set([ifindex]));
  assert.equal((await readTapNode(ifindex)).nodeDevice, undefined);
  await deletion;
});

test('creations do not wait for deletions that were requested earlier', { skip: needsRoot }, async () => {
  const ifindexes: number[] = [];
  for (let i = 0; i < 20; i += 1) ifindexes.push(await create({ name: `old${i}` }));
  const order: string[] = [];
  const deletions = Promise.all(ifindexes.map((ifindex) => links.deleteLink(ifindex))).then(() =>
    order.push('deleted'),
  );
  await links.createMacvtap({ name: 'mv0', parentIfindex, mode: 'bridge' });
  order.push('created');
  await deletions;
  assert.deepEqual(order, ['created', 'deleted']);
});

test('requests of an ended scope are not executed', { skip: needsRoot }, async () => {
  const ended = AbortSignal.abort();
  await assert.rejects(links.createMacvtap({ name: 'mv0', parentIfindex, mode: 'bridge' }, ended), { code: 'Aborted' });
  assert.equal(await links.getLink({ name: 'mv0' }), undefined);
});

test('operations on links leave no descriptor open, whether they succeed or fail', { skip: needsRoot }, async () => {
  const work = async () => {
    await using own = await openLinks();
    await using _ = await own.watchInterfaces((error) => assert.fail(error));
    await own.createMacvtap({ name: 'mv0', parentIfindex, mode: 'bridge', ifindex: ownIfindex });
    await assert.rejects(own.createMacvtap({ name: 'mv0', parentIfindex, mode: 'bridge' }));
    await readTapNode(ownIfindex);
    await own.deleteLink(ownIfindex);
  };
  const count = async () => (await readdir('/proc/self/fd')).length;
  await work();
  const before = await count();
  for (let i = 0; i < 5; i += 1) await work();
  assert.equal(await count(), before);
});

test('a link in another namespace is read and deleted without entering it, and its device node disappears', {
  skip: needsRoot,
}, async () => {
  await using netns = await open(there.path);
  await create({ ifindex: ownIfindex, netnsFd: netns.fd });
  const found = await links.getLinkIn(there.path, { ifindex: ownIfindex });
  assert.deepEqual([found?.name, found?.kind], ['mv0', 'macvtap']);
  assert.equal((await links.getLinkIn(there.path, { name: 'mv0' }))?.ifindex, ownIfindex);
  assert.equal(await links.getLink({ ifindex: ownIfindex }), undefined);
  await links.deleteLinkIn(there.path, ownIfindex);
  assert.equal(await links.getLinkIn(there.path, { ifindex: ownIfindex }), undefined);
  await assert.rejects(stat(`/dev/tap${ownIfindex}`), { code: 'ENOENT' });
  await links.deleteLinkIn(there.path, ownIfindex);
});

test('a namespace that no longer exists has no links, and deleting there succeeds', { skip: needsRoot }, async () => {
  for (const path of ['/run/netns/kmt-never-was', '/etc/hostname']) {
    assert.equal(await links.getLinkIn(path, { ifindex: 1 }), undefined);
    await links.deleteLinkIn(path, ownIfindex);
  }
});
