// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { buildImage } from './build-image.ts';
import type { FetchPackages } from './fetch-packages.ts';
import { findImage, kernelModules } from './image-folder.ts';
import { emulator, findMissing } from './needs-machines.ts';

const modulesFolder = 'kernel/lib/modules/6.1.0-9-cloud-amd64/kernel';

async function stage() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-image-'));
  const cache = join(folder.path, 'cache');
  const lines: string[] = [];
  let fetched = 0;
  /** Returns fake packages with a few bytes in each file. A test can change them before they are returned. */
  const fetch =
    (otherwise: (work: string) => Promise<void> = async () => {}): FetchPackages =>
    async (work) => {
      fetched += 1;
      const files = {
        'kernel/boot/vmlinuz-6.1.0-9-cloud-amd64': 'the kernel',
        'busybox/bin/busybox': 'the busybox',
        ...Object.fromEntries(
          kernelModules.map((name) => [`${modulesFolder}/drivers/${name}/${name}.ko`, `<${name}>`]),
        ),
      };
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true });
        await writeFile(join(work, path), text);
      }
      await otherwise(work);
      return {
        kernel: { version: '6.1.9-1', path: join(work, 'kernel') },
        busybox: { version: '1.35.0-4', path: join(work, 'busybox') },
      };
    };
  return {
    path: folder.path,
    cache,
    lines,
    fetch,
    get fetched() {
      return fetched;
    },
    build: (given = fetch()) => buildImage({ folder: cache, print: (line) => lines.push(line), fetch: given }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('building the image of virtual machines', () => {
  it('makes a kernel and an initramfs under a name with the versions, and finds them again', async () => {
    await using here = await stage();
    const image = await here.build();
    assert.equal(await readFile(image.kernel, 'utf8'), 'the kernel');
    const initramfs = await readFile(image.initramfs, 'latin1');
    for (const part of ['bin/busybox\0', 'the busybox', 'init\0', 'export PATH=/bin', 'dev/console\0']) {
      assert.ok(initramfs.includes(part), part);
    }
    assert.ok(initramfs.includes(`${kernelModules.join('\n')}\n`), 'the order of the modules');
    for (const name of kernelModules) assert.ok(initramfs.includes(`<${name}>`), name);
    const [name, ...more] = await readdir(here.cache);
    assert.match(name ?? '', /^6\.1\.0-9-cloud-amd64_6\.1\.9-1_1\.35\.0-4_[0-9a-f]{12}$/);
    assert.deepEqual(more, []);
    assert.deepEqual(findImage(here.cache), image);
  });

  it('fetches nothing where it was built before, and once where two do it at once', async () => {
    await using here = await stage();
    const isAwaited = async () => here.lines.includes(`waiting for process ${process.pid}, which builds the same`);
    const slow = here.fetch(async () => void (await until(isAwaited, (is) => is)));
    const images = await Promise.all([here.build(slow), here.build(slow)]);
    assert.deepEqual(await here.build(), images[0]);
    assert.deepEqual(images[0], images[1]);
    assert.equal(here.fetched, 1);
  });

  it('that fails leaves nothing that counts, and can be tried again', async () => {
    await using here = await stage();
    const fail = async () => {
      throw new Error('no mirror');
    };
    await assert.rejects(here.build(here.fetch(fail)), /no mirror/);
    assert.deepEqual(await readdir(here.cache), []);
    assert.equal(findImage(here.cache), undefined);
    await here.build();
  });

  it('that was killed starts again, without its leftovers', async () => {
    await using here = await stage();
    const left = join(here.cache, '.unfinished/image');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'kernel'), 'half');
    assert.equal(findImage(here.cache), undefined);
    await here.build();
    assert.equal((await readdir(here.cache)).length, 1);
  });

  it('names a module that the kernel does not have', async () => {
    await using here = await stage();
    const without = (work: string) => rm(join(work, modulesFolder, 'drivers/virtio_net'), { recursive: true });
    await assert.rejects(here.build(here.fetch(without)), /no virtio_net\.ko in .*kernel/);
  });
});

describe('tests with virtual machines', () => {
  it('name a missing requirement, and the command that installs it', async () => {
    await using here = await stage();
    assert.match(findMissing(here.path, here.cache) || '', /apt-get install .*qemu-system-x86/);
    await writeFile(join(here.path, emulator), '');
    await chmod(join(here.path, emulator), 0o755);
    assert.match(findMissing(here.path, here.cache) || '', /node test\/machines\/main\.ts/);
    await here.build();
    assert.equal(findMissing(`/nowhere:${here.path}`, here.cache), false);
  });
});
