// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { findTroubles, status } from './status.ts';

const root = '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw';
const devtmpfs = '23 22 0:5 / /dev ro,relatime shared:2 - devtmpfs devtmpfs rw,mode=755';
const pts = '24 23 0:21 / /dev/pts rw - devpts devpts rw';
const tmpfs = '25 22 0:30 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k';

/** A kernel that refuses creation so. */
const refusing = (code: 'ParentGone' | 'MacvtapUnsupported' | 'MissingCapability') => ({
  createMacvtap: async () => {
    throw new MacvtapError(code, `the kernel says ${code}`);
  },
});

async function look(more: Partial<Parameters<typeof findTroubles>[0]>, ...mounts: readonly string[]) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-status-'));
  const mountInfo = join(folder.path, 'mountinfo');
  await writeFile(mountInfo, [root, ...mounts, pts, ''].join('\n'));
  const ready = { links: refusing('ParentGone'), stateDirectory: folder.path, isPlanKnown: () => true, mountInfo };
  return findTroubles({ ...ready, ...more });
}

test('a node where everything is as it must be has no troubles', async () => {
  assert.deepEqual(await look({}, devtmpfs), []);
});

for (const [title, given, mounts, message] of [
  ['the kernel has no macvtap', { links: refusing('MacvtapUnsupported') }, [devtmpfs], /^the kernel has no macvtap/],
  ['the process may not make links', { links: refusing('MissingCapability') }, [devtmpfs], /says MissingCapability$/],
  ["/dev is the container's own", {}, [devtmpfs, tmpfs], /^\/dev is a tmpfs, and taps appear in a devtmpfs only/],
  ['/dev is no mount', {}, [], /^\/dev is no mount/],
  [
    'the ledger has no directory',
    { stateDirectory: '/proc/none' },
    [devtmpfs],
    /^the ledger cannot be written: ENOENT/,
  ],
  ['nothing was planned', { isPlanKnown: () => false }, [devtmpfs], /is not known yet/],
] as const) {
  test(`it is a trouble when ${title}`, async () => {
    const [trouble = '', ...more] = await look(given, ...mounts);
    assert.match(trouble, message);
    assert.deepEqual(more, []);
  });
}

test('STATUS fails with all troubles, and only then', async () => {
  await status({ troubles: async () => [] });
  await assert.rejects(status({ troubles: async () => ['a', 'b'] }), { code: 'CNINotReady', message: /now: a; b$/ });
});
