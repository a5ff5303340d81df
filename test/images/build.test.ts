// SPDX-License-Identifier: Apache-2.0
// Tests builds of images: repeated builds have the same content, builds for another architecture work, and only files
// that .dockerignore admits are used.
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { waitForLock } from '../binaries/wait-for-lock.ts';
import { runTool } from '../machines/run-tool.ts';
import { commitFolder, ensureBases } from './base-images.ts';
import { buildImage } from './build-image.ts';
import { cacheFolder, ensureImages, imageName } from './ensure-images.ts';
import { imageKinds, readInputs, root } from './image-inputs.ts';
import { openImage, readArchive } from './open-image.ts';
import { openBuildah } from './run-buildah.ts';
import { writeArchive } from './write-archive.ts';

const print = (line: string) => console.error(line);
const archives = await ensureImages({ print });
const lock = await waitForLock(cacheFolder, print);
after(() => lock[Symbol.asyncDispose]());
const buildah = openBuildah(cacheFolder);
const bases = await ensureBases(buildah, print);

for (const kind of imageKinds) {
  it(`the image of the ${kind} has the same digests when it is built again`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-again-'));
    const inputs = await readInputs(kind);
    const name = imageName(kind, inputs);
    await buildImage({ buildah, kind, inputs, bases, name, print });
    const archive = join(folder.path, 'image.tar');
    await writeArchive(buildah, name, archive);
    assert.deepEqual(await readArchive(archive), await readArchive(archives[kind]));
  });

  it(`the image of the ${kind} for arm64 contains nothing for another architecture`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-arm64-'));
    // No command runs in this base image, so it needs no Node.js.
    const base = { path: join(folder.path, 'base'), name: 'localhost/kube-macvtap-base-empty:arm64' };
    await mkdir(join(base.path, 'tmp'), { recursive: true });
    await commitFolder(buildah, base.path, base.name, '--platform', 'linux/arm64');
    await using undo = new AsyncDisposableStack();
    undo.defer(async () => void (await buildah.run('rmi', base.name)));
    const inputs = await readInputs(kind);
    const name = `localhost/kube-macvtap-${kind}-arm64:${inputs.version}`;
    const given = { ...bases, run: base.name };
    await buildImage({ buildah, kind, inputs, bases: given, name, architecture: 'arm64', print });
    const archive = join(folder.path, 'image.tar');
    await writeArchive(buildah, name, archive);
    await using image = await openImage(buildah, archive, 'linux/arm64');
    assert.equal(image.config.architecture, 'arm64');
    const machines = await machinesIn(join(image.path, 'app'));
    assert.deepEqual(machines, kind === 'node' ? ['AArch64', 'AArch64'] : []);
  });
}

it('an image is built only from files that its cache name covers', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-context-'));
  const dockerfile = join(folder.path, 'Dockerfile');
  await writeFile(dockerfile, 'FROM scratch\nCOPY . /context\n');
  const name = 'localhost/kube-macvtap-context:test';
  await buildah.run('bud', '--quiet', '--file', dockerfile, '--tag', name, root);
  const container = await buildah.run('from', '--quiet', '--pull-never', name);
  const mounted = join(await buildah.run('mount', container), 'context');
  const entries = await readdir(mounted, { recursive: true, withFileTypes: true });
  const found = entries.filter((entry) => !entry.isDirectory()).map((one) => join(one.parentPath, one.name));
  await buildah.run('rm', container);
  await buildah.run('rmi', name);
  const { files } = await readInputs('webhook');
  assert.deepEqual(
    found.map((path) => path.slice(mounted.length + 1)).toSorted(),
    files.filter((path) => path !== '.dockerignore' && !path.startsWith('Dockerfile')).toSorted(),
  );
});

/** Returns the architectures of a folder's programs and native parts. */
async function machinesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const machines: string[] = [];
  for (const file of files) {
    const isProgram = (await readFile(file)).subarray(0, elfMagic.length).equals(elfMagic);
    if (!isProgram) continue;
    const header = await runTool('readelf', '--file-header', file);
    machines.push(/Machine: +(\S+)/.exec(header)?.[1] ?? '?');
  }
  return machines;
}

/** EI_MAG of elf(5). */
const elfMagic = Buffer.from('\x7fELF', 'latin1');
