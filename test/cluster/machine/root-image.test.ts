// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, it } from 'node:test';
import { assertSpace, assertTools } from './requirements.ts';
import { ensureRootImage, type RootImage } from './root-image.ts';

async function stage() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmtc-root-'));
  const lines: string[] = [];
  let laid = 0;
  const lay = async (image: RootImage) => {
    laid += 1;
    for (const path of Object.values(image)) await writeFile(path, 'made');
    return '6.1.0-9-amd64';
  };
  return {
    path: folder.path,
    lines,
    get laid() {
      return laid;
    },
    build: (made: typeof lay = lay) =>
      ensureRootImage({ folder: folder.path, print: (line) => lines.push(line), lay: made }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('the root image of machines', () => {
  it('is built under a name with its kernel, and found again', async () => {
    await using here = await stage();
    const image = await here.build();
    assert.equal(await readFile(image.disk, 'utf8'), 'made');
    assert.deepEqual(await here.build(), image);
    assert.equal(here.laid, 1);
    const [name, ...more] = await readdir(here.path);
    assert.match(name ?? '', /^6\.1\.0-9-amd64_[0-9a-f]{12}$/);
    assert.deepEqual(more, []);
  });

  it('is built once by two concurrent calls', async () => {
    await using here = await stage();
    const [one, other] = await Promise.all([here.build(), here.build()]);
    assert.deepEqual(one, other);
    assert.equal(here.laid, 1);
  });

  it('that cannot be built, or whose build is killed, leaves nothing that later builds use', async () => {
    await using here = await stage();
    await mkdir(join(here.path, '.unfinished/image'), { recursive: true });
    await writeFile(join(here.path, '.unfinished/image/kernel'), 'half');
    const fail = async (image: RootImage) => {
      assert.deepEqual(await readdir(join(image.kernel, '..')), []);
      throw new Error('no mirror');
    };
    await assert.rejects(here.build(fail), /no mirror/);
    assert.deepEqual(await readdir(here.path), []);
    await here.build();
  });
});

describe('the requirements of machines', () => {
  it('name the missing programs and the command that installs them, in one line', async () => {
    await using here = await stage();
    for (const name of ['debootstrap', 'mke2fs', 'ssh']) await writeFile(join(here.path, name), '');
    assert.throws(() => assertTools(['/nowhere', here.path].join(delimiter)), {
      message:
        'a machine needs qemu-system-x86_64, ssh-keygen: apt-get install --no-install-recommends qemu-system-x86 openssh-client',
    });
    for (const name of ['qemu-system-x86_64', 'ssh-keygen']) await writeFile(join(here.path, name), '');
    assertTools(here.path);
  });

  it('name the missing space and its folder, in one line', async () => {
    await using here = await stage();
    await assertSpace(here.path, 1, 'it');
    const message = new RegExp(`^it needs 1000000000\\.0 GB, and ${here.path} has [\\d.]+ GB left: free some space$`);
    await assert.rejects(assertSpace(here.path, 1e18, 'it'), { message });
  });
});
