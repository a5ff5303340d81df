// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { lstat, mkdir, mkdtempDisposable, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTapLister, identifyTap, isTapLinkDown, readTapNode as readTap, readTapLinkName } from './tap-node.ts';

/** Reads a tap without the inode number of its file, which differs in each run. */
async function readTapNode(...given: Parameters<typeof readTap>) {
  const { linkInode, linkDevice, ...tap } = await readTap(...given);
  assert.equal(typeof linkInode, linkDevice === undefined ? 'undefined' : 'number');
  return { ...tap, ...(linkDevice !== undefined && { linkDevice }) };
}

/**
 * Creates a sysfs and a /dev for tap7. `link` is the link's device number, and `node` is the target of the symbolic
 * link in /dev.
 */
async function makeRoots({ link, node }: { readonly link?: string; readonly node?: string }) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-tap-'));
  const roots = { sysRoot: join(directory.path, 'sys'), devRoot: join(directory.path, 'dev') };
  const sysfsDirectory = join(roots.sysRoot, 'class/macvtap/tap7');
  await mkdir(sysfsDirectory, { recursive: true });
  await mkdir(roots.devRoot);
  if (link !== undefined) await writeFile(join(sysfsDirectory, 'dev'), `${link}\n`);
  if (node !== undefined) await symlink(node, join(roots.devRoot, 'tap7'));
  return { roots, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

// The device number of /dev/null is always 1:3 (Documentation/admin-guide/devices.txt).
for (const [what, files, expected] of [
  [
    'of the same number matches',
    { link: '1:3', node: '/dev/null' },
    { linkDevice: '1:3', nodeDevice: '1:3', matches: true },
  ],
  [
    'of another number does not match',
    { link: '246:1', node: '/dev/null' },
    { linkDevice: '246:1', nodeDevice: '1:3', matches: false },
  ],
  ['that is missing does not match', { link: '246:1' }, { linkDevice: '246:1', matches: false }],
  [
    'that is not a character device does not match',
    { link: '1:3', node: '/etc/passwd' },
    { linkDevice: '1:3', matches: false },
  ],
  ['without a link does not match', { node: '/dev/null' }, { nodeDevice: '1:3', matches: false }],
] as const) {
  test(`a device node ${what}`, async () => {
    await using made = await makeRoots(files);
    const path = join(made.roots.devRoot, 'tap7');
    assert.deepEqual(await readTapNode(7, undefined, made.roots), { path, ...expected });
  });
}

test('only the wanted parts are read', async () => {
  await using made = await makeRoots({ link: '1:3', node: '/dev/null' });
  const { roots } = made;
  const path = join(roots.devRoot, 'tap7');
  await mkdir(join(roots.sysRoot, 'dev/char'), { recursive: true });
  await symlink('../../devices/virtual/net/net1/macvtap/tap7', join(roots.sysRoot, 'dev/char/1:3'));
  const [nodeDevice, linkDevice, holder] = ['1:3', '1:3', { name: 'net1', ifindex: 7 }];
  assert.deepEqual(await readTapNode(7, [], roots), { path, nodeDevice, matches: false });
  assert.deepEqual(await readTapNode(7, ['link'], roots), { path, linkDevice, nodeDevice, matches: true });
  assert.deepEqual(await readTapNode(7, ['linkOfNode'], roots), { path, linkDevice, nodeDevice, matches: true });
  assert.deepEqual(await readTapNode(7, ['holder'], roots), { path, nodeDevice, holder, matches: false });
  await rm(join(roots.devRoot, 'tap7'));
  assert.deepEqual(await readTapNode(7, ['link'], roots), { path, linkDevice, matches: false });
  assert.deepEqual(await readTapNode(7, ['linkOfNode'], roots), { path, matches: false });
});

test('a missing link and a missing device node do not match', async () => {
  await using made = await makeRoots({});
  assert.equal((await readTapNode(7, undefined, made.roots)).matches, false);
});

test('a path that cannot be read is an error, not a mismatch', async () => {
  await using made = await makeRoots({ link: '1:3', node: '/dev/null' });
  for (const root of ['sysRoot', 'devRoot'] as const) {
    const loop = `${made.roots[root]}-loop`;
    await symlink(loop, loop);
    await assert.rejects(readTapNode(7, undefined, { ...made.roots, [root]: loop }), { code: 'TapNodeUnreadable' });
  }
});

test('the holder of a device node is read from the path of its device number in sysfs', async () => {
  await using made = await makeRoots({ node: '/dev/null' });
  await mkdir(join(made.roots.sysRoot, 'dev/char'), { recursive: true });
  const path = join(made.roots.sysRoot, 'dev/char/1:3');
  const holderAt = async (target: string) => {
    await symlink(`../../devices/virtual/${target}`, path);
    const { holder } = await readTapNode(7, undefined, made.roots);
    await rm(path);
    return holder;
  };
  assert.deepEqual(await holderAt('net/net1/macvtap/tap7'), { name: 'net1', ifindex: 7 });
  assert.deepEqual(await holderAt('net/foreign/macvtap/tap8'), { name: 'foreign', ifindex: 8 });
  assert.equal(await holderAt('mem/null'), undefined);
});

test("the link's name is read from the path of its tap in sysfs", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-tap-'));
  await mkdir(join(directory.path, 'class/macvtap'), { recursive: true });
  await symlink('../../devices/virtual/net/mvt0123456789ab/macvtap/tap7', join(directory.path, 'class/macvtap/tap7'));
  assert.equal(readTapLinkName(7, directory.path), 'mvt0123456789ab');
  assert.equal(readTapLinkName(8, directory.path), undefined);
});

test('a link is down if the flags of its own tap show that, and not if it is missing or being removed', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-tap-'));
  const tap = join(directory.path, 'class/net/mv0/macvtap/tap7/device');
  await mkdir(tap, { recursive: true });
  const isDown = (name: string, ifindex: number) => isTapLinkDown({ name, ifindex }, directory.path);
  assert.equal(isDown('mv0', 7), false);
  await writeFile(join(tap, 'flags'), '0x1002\n');
  assert.equal(isDown('mv0', 7), true);
  assert.deepEqual([isDown('mv0', 8), isDown('mv1', 7)], [false, false]);
  await writeFile(join(tap, 'flags'), '0x1003\n');
  assert.equal(isDown('mv0', 7), false);
  // As the flags of a link that the kernel is removing, this file exists, but reading it fails with EINVAL.
  await rm(join(tap, 'flags'));
  await symlink('/sys/class/net/lo/speed', join(tap, 'flags'));
  assert.throws(() => readFileSync(join(tap, 'flags')), { code: 'EINVAL' });
  assert.equal(isDown('mv0', 7), false);
});

async function makeDeviceRoots(devices: string, nodes: Readonly<Record<string, string>>) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-taps-'));
  const roots = { sysRoot: join(directory.path, 'sys'), procRoot: directory.path };
  await mkdir(join(roots.sysRoot, 'dev/char'), { recursive: true });
  await writeFile(join(roots.procRoot, 'devices'), devices);
  for (const [number, target] of Object.entries(nodes)) {
    await symlink(`../../devices/virtual/${target}`, join(roots.sysRoot, 'dev/char', number));
  }
  return { roots, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

const devices = 'Character devices:\n  1 mem\n 24 macvlan\n246 macvtap\n\nBlock devices:\n  7 loop\n';

test('all taps with the index are listed, with any name of their link, and no others', async () => {
  await using made = await makeDeviceRoots(devices, {
    '1:3': 'mem/null',
    '246:1': 'net/net1/macvtap/tap7',
    '246:2': 'net/net1/macvtap/tap7',
    '246:3': 'net/net1/macvtap/tap77',
    '24:6': 'net/net1/macvtap/tap7',
  });
  const listTaps = createTapLister(made.roots);
  assert.deepEqual(listTaps(7).toSorted(), ['246:1', '246:2']);
  assert.deepEqual(listTaps(8), []);
});

test('a tap that replaces a listed one under its device number is listed with its own index', async () => {
  await using made = await makeDeviceRoots(devices, { '246:1': 'net/net1/macvtap/tap7' });
  const listTaps = createTapLister(made.roots);
  const directory = join(made.roots.sysRoot, 'dev/char');
  const replace = async (target: string) => {
    await symlink(`../../devices/virtual/${target}`, join(directory, 'next'));
    await rename(join(directory, 'next'), join(directory, '246:1'));
  };
  assert.deepEqual(listTaps(7), ['246:1']);
  await replace('net/net1/macvtap/tap8');
  assert.deepEqual([listTaps(7), listTaps(8)], [[], ['246:1']]);
  await replace('net/net1/macvtap/tap7');
  assert.deepEqual([listTaps(7), listTaps(8)], [['246:1'], []]);
  await rm(join(directory, '246:1'));
  assert.deepEqual(listTaps(7), []);
});

test('all taps are listed in a directory that takes several reads', async () => {
  // One read returns 32 KiB, and each of these entries has 24 bytes.
  const nodes = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`246:${n}`, `net/net1/macvtap/tap${n}`]));
  await using made = await makeDeviceRoots(devices, nodes);
  const listTaps = createTapLister(made.roots);
  assert.deepEqual(listTaps(0), ['246:0']);
  assert.deepEqual(listTaps(1_999), ['246:1999']);
});

test('a kernel that has not loaded macvtap has no taps', async () => {
  await using made = await makeDeviceRoots('Character devices:\n  1 mem\n', { '1:3': 'net/net1/macvtap/tap7' });
  assert.deepEqual(createTapLister(made.roots)(7), []);
});

test('a path that cannot be read is an error with a next step, and not an empty list', async () => {
  await using made = await makeDeviceRoots(devices, { '246:1': 'net/net1/macvtap/tap7' });
  const directory = join(made.roots.sysRoot, 'dev/char');
  const unreadable = { code: 'TapNodeUnreadable', message: /; mount \/sys and \/dev into the container$/ };
  // A directory cannot be read as a symbolic link.
  await mkdir(join(directory, '246:2'));
  assert.throws(() => createTapLister(made.roots)(7), unreadable);
  await rm(directory, { recursive: true });
  assert.throws(() => createTapLister(made.roots)(7), unreadable);
  await rm(join(made.roots.procRoot, 'devices'));
  assert.throws(() => createTapLister(made.roots)(7), unreadable);
});

test('the identity of a tap contains its number and its inode, and a missing tap has no identity', async () => {
  await using made = await makeDeviceRoots(devices, { '246:1': 'net/net1/macvtap/tap7' });
  const { sysRoot } = made.roots;
  const path = join(sysRoot, 'dev/char/246:1');
  const { ino } = await lstat(path);
  assert.equal(identifyTap('246:1', sysRoot), `246:1 ${ino}`);
  await rm(path);
  assert.equal(identifyTap('246:1', sysRoot), undefined);
});
