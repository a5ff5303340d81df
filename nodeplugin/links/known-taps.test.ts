// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { WantedLink } from '../../policy/device/decide-link.ts';
import { createKnownTaps } from './open-node-links.ts';
import type { TapNode } from './tap-node.ts';

const link: WantedLink = { name: 'mvt0123456789ab', ifindex: 7, parentIfindex: 2, mode: 'bridge' };
const tap: TapNode = { path: '/dev/tap7', linkDevice: '240:1', linkInode: 99, nodeDevice: '240:1', matches: true };

/** Creates a sysfs in which these links are down. */
async function makeSysRoot(...links: readonly Pick<WantedLink, 'name' | 'ifindex'>[]) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-known-'));
  for (const { name, ifindex } of links) {
    const device = join(directory.path, `class/net/${name}/macvtap/tap${ifindex}/device`);
    await mkdir(device, { recursive: true });
    await writeFile(join(device, 'flags'), '0x1002\n');
  }
  return directory;
}

test('a tap is known only for the same link, with the same inode and a matching device node', async () => {
  const other = { ...link, name: 'mvtother' };
  await using sysRoot = await makeSysRoot(link, other);
  const known = createKnownTaps(sysRoot.path);
  assert.equal(known.has(link, tap), false, 'before it was noted');
  known.note(link, tap);
  assert.equal(known.has(link, tap), true);
  assert.equal(known.has(link, { ...tap, linkInode: 100 }), false, 'a new link with the same index');
  assert.equal(known.has(link, { ...tap, matches: false }), false, "another link's device node");
  for (const changed of [other, { ...link, parentIfindex: 3 }, { ...link, mode: 'vepa' } as const]) {
    assert.equal(known.has(changed, tap), false, JSON.stringify(changed));
  }
  known.note({ ...link, parentIfindex: 3 }, { ...tap, linkInode: 100 });
  assert.equal(known.has(link, tap), false, 'after another link was noted for the index');
});

test('a tap is not known while its link is up or gone, or without an inode', async () => {
  await using sysRoot = await makeSysRoot(link);
  const known = createKnownTaps(sysRoot.path);
  const { linkInode: _, ...withoutInode } = tap;
  known.note(link, withoutInode);
  assert.equal(known.has(link, withoutInode), false);
  known.note(link, tap);
  await writeFile(join(sysRoot.path, `class/net/${link.name}/macvtap/tap7/device/flags`), '0x1003\n');
  assert.equal(known.has(link, tap), false);
  assert.equal(known.has({ ...link, ifindex: 8 }, tap), false);
});

test('the oldest of more than 4,096 links is forgotten', async () => {
  await using sysRoot = await makeSysRoot(link, { ...link, ifindex: 8 });
  const known = createKnownTaps(sysRoot.path);
  for (let ifindex = 7; ifindex < 7 + 4_096; ifindex += 1) known.note({ ...link, ifindex }, tap);
  known.note(link, tap);
  known.note({ ...link, ifindex: 5_000 }, tap);
  assert.equal(known.has(link, tap), true);
  assert.equal(known.has({ ...link, ifindex: 8 }, tap), false);
});
