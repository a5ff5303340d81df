// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtempDisposable, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A small file system for one test. It can be filled and made read-only. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  fill(): Promise<void>;
  free(): Promise<void>;
  remount(how: 'ro' | 'rw'): Promise<void>;
}

/** Mounts a small disk on a directory, which is created if it is missing. The default is a temporary directory. */
export async function mountSmallDisk(directory?: string): Promise<SmallDisk> {
  await using undo = new AsyncDisposableStack();
  const path = directory ?? undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-disk-'))).path;
  await mkdir(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=0700', 'kube-macvtap-test', path]);
  undo.defer(async () => void (await run('umount', ['--lazy', path])));
  const scope = undo.move();
  const filler = join(path, 'filler');
  return {
    path,
    fill: () => fillUp(filler),
    free: () => unlink(filler),
    remount: async (how) => void (await run('mount', ['-o', `remount,${how}`, path])),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

async function fillUp(path: string): Promise<void> {
  await using file = await open(path, 'w');
  const block = new Uint8Array(4096);
  await assert.rejects(
    async () => {
      for (;;) await file.write(block);
    },
    { code: 'ENOSPC' },
  );
}
