// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheName, linkerFlags, moduleFolder, type ProgramName, readVersion, recipes } from './recipes.ts';
import { runGo } from './run-go.ts';
import { waitForLock } from './wait-for-lock.ts';

export interface BuildOptions {
  readonly names: readonly ProgramName[];
  /** Where the programs go: `.cache/binaries`. */
  readonly folder: string;
  /** Told what happens, a line at a time. */
  readonly print: (line: string) => void;
  /** The go command. */
  readonly go?: string;
}

/** How often it is told that a build still goes on. */
const noticeMs = 30_000;

/** Where a program is while it is being built; whatever has this name when a build starts is left of a killed one. */
const unfinished = '.unfinished-';

/**
 * Builds those of the programs that are not there yet. Each appears in its place whole, by a rename, and stays for ever:
 * its name covers everything that it is made of. Two at once build each program once; a killed one leaves nothing that
 * counts.
 */
export async function buildBinaries({ names, folder, print, go = 'go' }: BuildOptions): Promise<void> {
  const missing = () => names.filter((name) => !existsSync(join(folder, cacheName(name))));
  if (missing().length === 0) return print(`${names.join(', ')}: built before`);
  await mkdir(folder, { recursive: true });
  await using _lock = await waitForLock(folder, print);
  await removeUnfinished(folder);
  print(`${missing().join(', ')}: building with ${await runGo(go, folder, 'version')}`);
  for (const name of missing()) await buildBinary(name, folder, print, go);
}

async function buildBinary(name: ProgramName, folder: string, print: (line: string) => void, go: string) {
  const recipe = recipes[name];
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  const module = moduleFolder(recipe);
  print(`${name} ${readVersion(recipe)}: fetching modules`);
  await runGo(go, module, 'list', '-deps', '-f', '{{if .Error}}{{.Error}}{{end}}', recipe.package);
  print(`${name} ${readVersion(recipe)}: compiling`);
  using notices = new DisposableStack();
  const notice = setInterval(() => print(`${name}: still compiling after ${seconds()} s`), noticeMs);
  notices.defer(() => clearInterval(notice));
  const target = join(folder, `${unfinished}${name}`);
  await runGo(go, module, 'build', '-buildvcs=false', '-ldflags', linkerFlags(recipe), '-o', target, recipe.package);
  const { size } = await stat(target);
  await rename(target, join(folder, cacheName(name)));
  print(`${name}: ${Math.round(size / 1e6)} MB in ${seconds()} s`);
}

async function removeUnfinished(folder: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.startsWith(unfinished));
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
}
