// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaryPath } from '../../binaries/binary-path.ts';
import { cacheName, moduleFolder, programSets, readVersion, recipes } from '../../binaries/recipes.ts';
import { runGo } from '../../binaries/run-go.ts';
import { waitForLock } from '../../binaries/wait-for-lock.ts';
import type { ImageArchive } from '../../cluster/images/build-images.ts';
import { writeImageArchive } from '../../cluster/images/write-image-archive.ts';
import { buildImage as buildMachine } from '../../machines/build-image.ts';
import { encodeCpio } from '../../machines/encode-cpio.ts';
import { type Image, cacheFolder as machineFolder } from '../../machines/image-folder.ts';
import { runTool } from '../../machines/run-tool.ts';
import { dropOldest } from '../drop-oldest.ts';
import { layRoot } from './root-file-system.ts';

/** The images of a cluster with KubeVirt, in addition to its programs. */
export interface KubeVirtImages {
  /** All parts of KubeVirt. The names differ only in the user: KubeVirt leaves it to the images of its controllers. */
  readonly parts: ImageArchive;
  readonly controllers: ImageArchive;
  /** For `kernelBoot`: a kernel and an initramfs. */
  readonly guest: ImageArchive;
  /** The guest's program `frames`, for peers outside of guests. */
  readonly frames: string;
  /** CRD, priority class and roles of the operator, as KubeVirt publishes them. */
  readonly manifests: string;
  /** @example 'v1.8.4' */
  readonly version: string;
}

const cacheFolder = fileURLToPath(new URL('../../../.cache/kubevirt', import.meta.url));

const version = readVersion(recipes['virt-operator']);
export const guestImage = 'localhost/kubevirt-guest:1';
const partsImage = `localhost/kubevirt:${version}`;
const controllersImage = `localhost/kubevirt-controllers:${version}`;
const framesSource = fileURLToPath(new URL('frames.c', import.meta.url));

/** Copies of an image that are kept, the last used ones: each has hundreds of megabytes. */
const keptArchives = 2;

/** Everything that the images are made of but Debian's packages, whose newest versions are as good as others. */
const digest = digestOf([
  ...programSets.kubevirt.map(cacheName),
  ...['ensure-kubevirt.ts', 'root-file-system.ts', 'frames.c'].map((file) => read(file)),
  read('../../cluster/images/write-image-archive.ts'),
]);

/**
 * Builds the images of KubeVirt and of its guests, unless they were built before. Two at once build each once; a killed
 * one leaves nothing that counts. Raises where KubeVirt's programs were not built.
 */
export async function ensureKubeVirt(print: (line: string) => void): Promise<KubeVirtImages> {
  const machine = await buildMachine({ folder: machineFolder, print });
  await mkdir(cacheFolder, { recursive: true });
  await using _lock = await waitForLock(cacheFolder, print);
  await removeUnfinished();
  const manifests = join(cacheFolder, `manifests-${digest}.yaml`);
  const parts = join(cacheFolder, `parts-${digest}.tar`);
  const frames = join(cacheFolder, `frames-${digestOf([read('frames.c')])}`);
  const guest = join(cacheFolder, `guest-${digestOf([digest, basename(dirname(machine.initramfs))])}.tar`);
  await ensure(manifests, print, async (path) => await writeFile(path, await readManifests(await findModule(print))));
  await ensure(parts, print, async (path) => await buildParts(path, await findModule(print)));
  await ensure(frames, print, (path) => compile(path, framesSource));
  await ensure(guest, print, (path) => buildGuest(path, machine, frames));
  return {
    version,
    manifests,
    frames,
    parts: { name: partsImage, path: parts },
    controllers: { name: controllersImage, path: parts },
    guest: { name: guestImage, path: guest },
  };
}

/** Where a file is while it is made; whatever has this name when a build starts is left of a killed one. */
const unfinished = '.unfinished-';

async function ensure(path: string, print: (line: string) => void, make: (path: string) => Promise<void>) {
  if (existsSync(path)) return await utimes(path, new Date(), new Date());
  const [name = ''] = basename(path).split('-');
  print(`KubeVirt's ${name}: building`);
  const started = performance.now();
  const made = join(cacheFolder, `${unfinished}${name}`);
  await make(made);
  await rename(made, path);
  await dropOldest(cacheFolder, `${name}-`, keptArchives);
  print(`KubeVirt's ${name}: ${path} in ${Math.round((performance.now() - started) / 1_000)} s`);
}

async function removeUnfinished(): Promise<void> {
  const left = (await readdir(cacheFolder)).filter((name) => name.startsWith(unfinished));
  await Promise.all(left.map((name) => rm(join(cacheFolder, name), { recursive: true, force: true })));
}

/** Where KubeVirt's module lies, which is fetched if it is not there. */
async function findModule(print: (line: string) => void): Promise<string> {
  const recipe = recipes['virt-operator'];
  print(`KubeVirt's module: ${recipe.versionOf} ${version}`);
  const answer = await runGo('go', { folder: moduleFolder(recipe) }, 'mod', 'download', '-json', recipe.versionOf);
  return (JSON.parse(answer) as { Dir: string }).Dir;
}

async function readManifests(module: string): Promise<string> {
  const folder = join(module, 'manifests/generated');
  const files = ['kv-resource.yaml', 'kubevirt-priority-class.yaml', 'rbac-operator.authorization.k8s.yaml.in'];
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.join('\n---\n').replaceAll('{{.Namespace}}', 'kubevirt');
}

async function buildParts(path: string, module: string): Promise<void> {
  await using work = await mkdtempDisposable(join(cacheFolder, `${unfinished}root-`));
  const [root, downloads] = [join(work.path, 'root'), join(work.path, 'packages')];
  await mkdir(root);
  const containerDisk = join(work.path, 'container-disk');
  await compile(containerDisk, join(module, 'cmd/container-disk-v2alpha/main.c'));
  const programs = { ...Object.fromEntries(programSets.kubevirt.map((name) => [name, binaryPath(name)])) };
  await layRoot({ root, downloads, module, programs: { ...programs, 'container-disk': containerDisk } });
  await writeImageArchive(path, {
    root,
    name: partsImage,
    users: { [controllersImage]: '1001' },
    entrypoint: [],
    environment: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    keepsOwners: true,
  });
}

/** The machines' image with `frames`. The kernel unpacks archives that follow one another into one file system. */
async function buildGuest(path: string, machine: Image, frames: string): Promise<void> {
  await using work = await mkdtempDisposable(join(cacheFolder, `${unfinished}guest-`));
  const boot = join(work.path, 'root/boot');
  await mkdir(boot, { recursive: true });
  await writeFile(join(boot, 'vmlinuz'), await readFile(machine.kernel));
  const first = await readFile(machine.initramfs);
  const second = encodeCpio([{ path: 'bin/frames', type: 'file', data: await readFile(frames), isProgram: true }]);
  const alignment = (4 - (first.length % 4)) % 4;
  await writeFile(join(boot, 'initrd'), Buffer.concat([first, Buffer.alloc(alignment), second]));
  await writeImageArchive(path, { root: join(work.path, 'root'), name: guestImage, entrypoint: [] });
}

async function compile(path: string, source: string): Promise<void> {
  await runTool('gcc', '-static', '-Os', '-s', '-o', path, source);
}

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}
