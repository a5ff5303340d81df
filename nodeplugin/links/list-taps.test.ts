// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { lstat, mkdir, mkdtempDisposable, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { identifyTap, listTaps } from './list-taps.ts';

async function makeRoots(devices: string, nodes: Readonly<Record<string, string>>) {
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

test('every tap of the index is told, whatever the name of its link, and none of another', async () => {
  await using made = await makeRoots(devices, {
    '1:3': 'mem/null',
    '246:1': 'net/net1/macvtap/tap7',
    '246:2': 'net/net1/macvtap/tap7',
    '246:3': 'net/net1/macvtap/tap77',
    '24:6': 'net/net1/macvtap/tap7',
  });
  assert.deepEqual(listTaps(7, made.roots).toSorted(), ['246:1', '246:2']);
  assert.deepEqual(listTaps(8, made.roots), []);
});

test('a kernel that has not loaded macvtap yet has none', async () => {
  await using made = await makeRoots('Character devices:\n  1 mem\n', { '1:3': 'net/net1/macvtap/tap7' });
  assert.deepEqual(listTaps(7, made.roots), []);
});

test('what cannot be read is an error with its remedy, and not a node without taps', async () => {
  await using made = await makeRoots(devices, { '246:1': 'net/net1/macvtap/tap7' });
  const directory = join(made.roots.sysRoot, 'dev/char');
  const unreadable = { code: 'TapNodeUnreadable', message: /; mount \/sys and \/dev into the container$/ };
  // What is no link cannot be read as one.
  await mkdir(join(directory, '246:2'));
  assert.throws(() => listTaps(7, made.roots), unreadable);
  await rm(directory, { recursive: true });
  assert.throws(() => listTaps(7, made.roots), unreadable);
  await rm(join(made.roots.procRoot, 'devices'));
  assert.throws(() => listTaps(7, made.roots), unreadable);
});

test('a tap is told by more than its number, and one that is gone by nothing', async () => {
  await using made = await makeRoots(devices, { '246:1': 'net/net1/macvtap/tap7' });
  const { sysRoot } = made.roots;
  const path = join(sysRoot, 'dev/char/246:1');
  const { ino } = await lstat(path);
  assert.equal(identifyTap('246:1', sysRoot), `246:1 ${ino}`);
  await rm(path);
  assert.equal(identifyTap('246:1', sysRoot), undefined);
});
