// SPDX-License-Identifier: Apache-2.0
// Tests DEL while the node plugin is down: what the shim stores, where the node plugin looks for it, and what the shim
// refuses.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeFrame, maxStdin, type RequestFrame } from '../../nodeplugin/cni/shim/frame.ts';
import { processPendingDels } from '../../nodeplugin/cni/shim/pending-dels.ts';
import { mountSmallDisk } from '../process/small-disk.ts';
import { needsRoot } from './network-namespace.ts';
import { assertEnd, assertError, callOf, conf, pod } from './shim-calls.ts';
import { type InstalledShim, makeShim, needsShim, variants } from './shim-program.ts';

const listIn = (directory: string) => readdir(directory).catch(() => []);

for (const variant of variants) {
  const check = (
    title: string,
    run: (shim: InstalledShim) => Promise<void>,
    skip: false | string = needsShim[variant],
  ) =>
    test(`${variant}: ${title}`, { skip }, async () => {
      await using shim = await makeShim(variant);
      await run(shim);
    });

  check('a DEL succeeds and stores its request, readable only by root, once even if it is repeated', async (shim) => {
    for (const shell of [undefined, 'umask 0777; exec "$0"', 'umask 0; exec "$0"']) {
      assertEnd(await shim.run({ ...callOf('DEL'), ...(shell !== undefined && { shell }) }), 0, '');
      assert.deepEqual(await readdir(shim.tombstones), ['c1:net1']);
      assert.equal((await stat(join(shim.tombstones, 'c1:net1'))).mode & 0o7777, 0o600);
      assert.equal((await stat(shim.tombstones)).mode & 0o7777, 0o700);
    }
    const frame = decodeFrame(await readFile(join(shim.tombstones, 'c1:net1')));
    const environment = new Map(Object.entries({ CNI_COMMAND: 'DEL', ...pod }));
    assert.deepEqual(frame, { type: 'request', environment, stdin: Buffer.from(conf) });
  });

  check('the node plugin handles the requests of twenty concurrent DELs, including the longest one', async (shim) => {
    const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
    const long = { stdin: Buffer.alloc(maxStdin, ' ') };
    const ends = await Promise.all(
      names.map((id, i) => shim.run({ ...callOf('DEL', { CNI_CONTAINERID: id }), ...(i === 0 && long) })),
    );
    for (const end of ends) assertEnd(end, 0, '');
    const seen: string[] = [];
    const handle = async ({ environment, stdin }: RequestFrame) => {
      seen.push(`${environment.get('CNI_COMMAND')} ${environment.get('CNI_CONTAINERID')} ${stdin.length}`);
      return { type: 'answer', exitCode: 0, output: '' } as const;
    };
    const onFailure = (error: Error) => assert.fail(error);
    assert.equal(await processPendingDels({ directory: shim.tombstones, handle, onFailure }), 20);
    const length = (id: string) => (id === 'c0' ? maxStdin : conf.length);
    assert.deepEqual(seen.toSorted(), names.map((id) => `DEL ${id} ${length(id)}`).toSorted());
    assert.deepEqual(await readdir(shim.tombstones), []);
  });

  for (const command of ['ADD', 'CHECK', 'GC', 'STATUS', 'VERSION', 'DELETE', 'del']) {
    check(`${command} leaves nothing`, async (shim) => {
      await shim.run(callOf(command));
      assert.deepEqual(await listIn(shim.directory), []);
    });
  }

  check('a DEL that cannot follow any ADD is not stored, but is an error', async (shim) => {
    const invalid = 'Invalid argument';
    for (const [given, reason] of [
      [{ CNI_CONTAINERID: '../../c1' }, invalid],
      [{ CNI_IFNAME: '../net1' }, invalid],
      [{ CNI_CONTAINERID: '.c1' }, invalid],
      [{ CNI_CONTAINERID: 'c1:net1' }, invalid],
      [{ CNI_IFNAME: 'net1:1' }, invalid],
      [{ CNI_CONTAINERID: '' }, invalid],
      [{ CNI_IFNAME: '' }, invalid],
      [{ CNI_CONTAINERID: 'c'.repeat(255) }, 'Filename too long|File name too long'],
      [{ CNI_CONTAINERID: 'c'.repeat(60_000) }, 'Filename too long|File name too long'],
    ] as const) {
      const message = new RegExp(`the DEL cannot be saved for later: (${reason}); see whether`);
      assertError(await shim.run(callOf('DEL', given)), 11, message);
    }
    for (const missing of ['CNI_CONTAINERID', 'CNI_IFNAME'] as const) {
      const { [missing]: _, ...environment } = pod;
      assertError(await shim.run({ environment: { CNI_COMMAND: 'DEL', ...environment }, stdin: conf }), 11, /Invalid/);
    }
    assert.deepEqual(await listIn(shim.tombstones), []);
  });

  check('a half-written file of a killed shim with the same process ID does not block the next one', async (shim) => {
    await mkdir(shim.tombstones, { recursive: true });
    const shell = `echo half > "${shim.tombstones}/.c1:net1.$$"; exec "$0"`;
    assertEnd(await shim.run({ ...callOf('DEL'), shell }), 0, '');
    assert.deepEqual(await readdir(shim.tombstones), ['c1:net1']);
    assert.notEqual(await readFile(join(shim.tombstones, 'c1:net1'), 'utf8'), 'half\n');
  });

  check('the longest name that can be renamed is stored', async (shim) => {
    // The shim first writes `.<id>:net1.<process ID>`. With a process ID of seven digits, that name has 255 bytes
    // (NAME_MAX).
    const id = 'c'.repeat(255 - 2 - 1 - 4 - 7);
    assertEnd(await shim.run(callOf('DEL', { CNI_CONTAINERID: id })), 0, '');
    assert.deepEqual(await readdir(shim.tombstones), [`${id}:net1`]);
  });

  check("the shim follows no symbolic link in the node plugin's directory", async (shim) => {
    const elsewhere = join(shim.directory, '../elsewhere');
    await mkdir(elsewhere);
    await mkdir(shim.directory);
    await symlink(elsewhere, shim.tombstones);
    assertError(await shim.run(callOf('DEL')), 11, /the DEL cannot be saved for later: Not a directory/);
    assert.deepEqual(await readdir(elsewhere), []);
    await rm(shim.tombstones);
    await mkdir(shim.tombstones);
    const victim = join(elsewhere, 'victim');
    await writeFile(victim, 'as it was');
    await symlink(victim, join(shim.tombstones, 'c1:net1'));
    assertEnd(await shim.run(callOf('DEL')), 0, '');
    assert.equal(await readFile(victim, 'utf8'), 'as it was');
    assert.ok((await stat(join(shim.tombstones, 'c1:net1'))).isFile());
  });

  check('if another file blocks the path, the DEL fails with an error that asks for a retry', async (shim) => {
    await mkdir(shim.directory);
    await writeFile(shim.tombstones, '');
    assertError(await shim.run(callOf('DEL')), 11, /Not a directory/);
    await rm(shim.tombstones);
    await mkdir(join(shim.tombstones, 'c1:net1'), { recursive: true });
    assertError(await shim.run(callOf('DEL')), 11, /Is a directory/);
    assert.deepEqual(await readdir(shim.tombstones), ['c1:net1']);
  });

  check(
    'on a full or read-only disk, the DEL fails and leaves no file',
    async (shim) => {
      await using disk = await mountSmallDisk(shim.directory);
      await mkdir(shim.tombstones);
      const big = { ...callOf('DEL'), stdin: Buffer.alloc(maxStdin, ' ') };
      assertError(await shim.run(big), 11, /No space left on device/, '1.1.0');
      assert.deepEqual(await readdir(shim.tombstones), []);
      await disk.fill();
      assertError(await shim.run(callOf('DEL')), 11, /No space left on device/);
      await disk.free();
      await disk.remount('ro');
      assertError(await shim.run(callOf('DEL')), 11, /Read-only file system/);
      await disk.remount('rw');
      assert.deepEqual(await readdir(shim.tombstones), []);
      assertEnd(await shim.run(callOf('DEL')), 0, '');
    },
    needsShim[variant] || needsRoot,
  );
}
