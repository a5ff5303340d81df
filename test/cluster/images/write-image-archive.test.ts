// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chown, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsRoot } from '../../kernel/network-namespace.ts';
import { run } from '../run.ts';
import { writeImageArchive } from './write-image-archive.ts';

test('an archive has the image once for each user, and keeps owners and capabilities', {
  skip: needsRoot,
}, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmtc-archive-'));
  const [root, archive] = [join(folder.path, 'root'), join(folder.path, 'archive.tar')];
  await mkdir(root);
  await writeFile(join(root, 'program'), 'x');
  await chown(join(root, 'program'), 107, 107);
  await run('setcap', 'cap_net_bind_service=+eip', join(root, 'program'));
  const users = { 'localhost/b:1': '1001' };
  await writeImageArchive(archive, { root, name: 'localhost/a:1', users, entrypoint: [], keepsOwners: true });
  await run('tar', '-xf', archive, '-C', folder.path);
  const read = (file: string) => run('cat', join(folder.path, file));
  const images: readonly { readonly Config: string; readonly RepoTags: readonly string[] }[] = JSON.parse(
    await read('manifest.json'),
  );
  const found = images.map(async ({ Config, RepoTags }) => [RepoTags[0], JSON.parse(await read(Config)).config.User]);
  assert.deepEqual(await Promise.all(found), [
    ['localhost/a:1', undefined],
    ['localhost/b:1', '1001'],
  ]);
  const layer = join(folder.path, 'layer.tar');
  const listed = await run('tar', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-tvvf', layer);
  assert.match(listed, /107\/107 .* \.\/program\n +x: 20 security\.capability/);
});
