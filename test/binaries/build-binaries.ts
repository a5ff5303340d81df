// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cacheName,
  linkerFlags,
  moduleFolder,
  type ProgramName,
  type Recipe,
  readVersion,
  recipes,
} from './recipes.ts';
import { runGo } from './run-go.ts';
import { waitForLock } from './wait-for-lock.ts';

export interface BuildOptions {
  readonly names: readonly ProgramName[];
  /** The folder for the programs: `.cache/binaries`. */
  readonly folder: string;
  /** Called with each line of progress. */
  readonly print: (line: string) => void;
  /** The go command. */
  readonly go?: string;
}

/** How often a message is printed while a build runs. */
const noticeMs = 30_000;

/**
 * The prefix of a program's name while it is being built. A file with this prefix at the start of a build is left from
 * a killed build.
 */
const unfinished = '.unfinished-';

/**
 * Builds the programs that do not exist yet. Each program is put in place by a rename, so it is always complete. It
 * stays valid, because its name covers all of its inputs. Concurrent calls build each program once. A killed build
 * leaves nothing that later builds would use.
 */
export async function buildBinaries({ names, folder, print, go = 'go' }: BuildOptions): Promise<void> {
  const missing = () => names.filter((name) => !existsSync(join(folder, cacheName(name))));
  if (missing().length === 0) return print(`${names.join(', ')}: built before`);
  await mkdir(folder, { recursive: true });
  await using _lock = await waitForLock(folder, print);
  await removeUnfinished(folder);
  print(`${missing().join(', ')}: building with ${await runGo(go, { folder }, 'version')}`);
  for (const name of missing()) await buildBinary(name, folder, print, go);
}

async function buildBinary(name: ProgramName, folder: string, print: (line: string) => void, go: string) {
  const recipe: Recipe = recipes[name];
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  const options = { folder: moduleFolder(recipe), usesC: recipe.usesC ?? false };
  const tags = recipe.tags === undefined ? [] : ['-tags', recipe.tags.join()];
  print(`${name} ${readVersion(recipe)}: fetching modules`);
  await runGo(go, options, 'list', ...tags, '-deps', '-f', '{{if .Error}}{{.Error}}{{end}}', recipe.package);
  print(`${name} ${readVersion(recipe)}: compiling`);
  using notices = new DisposableStack();
  const notice = setInterval(() => print(`${name}: still compiling after ${seconds()} s`), noticeMs);
  notices.defer(() => clearInterval(notice));
  const target = join(folder, `${unfinished}${name}`);
  const flags = ['-buildvcs=false', ...tags, '-ldflags', linkerFlags(recipe)];
  await runGo(go, options, 'build', ...flags, '-o', target, recipe.package);
  const { size } = await stat(target);
  await rename(target, join(folder, cacheName(name)));
  print(`${name}: ${Math.round(size / 1e6)} MB in ${seconds()} s`);
}

async function removeUnfinished(folder: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.startsWith(unfinished));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
}
