// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import packageFile from '../../package.json' with { type: 'json' };
import lockFile from '../../package-lock.json' with { type: 'json' };
import { root } from './source-files.ts';

interface LockEntry {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const packages: Readonly<Record<string, LockEntry>> = lockFile.packages;
const entries = Object.entries(packages).filter(([path]) => path !== '');
const page = readFileSync(`${root}docs/explanation/dependencies.md`, 'utf8');

/**
 * Packages that would run a script when they are installed. docs/explanation/dependencies.md explains why the scripts
 * are not needed.
 */
const withScripts = ['@bufbuild/buf', 'esbuild', 'koffi', 'protobufjs'];

test('every package of the lock file is pinned by a SHA-512 hash', () => {
  const isHash = ({ integrity }: LockEntry) => /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? '');
  assert.deepEqual(
    entries.filter(([, entry]) => !isHash(entry)).map(([path]) => path),
    [],
  );
});

test('the lock file names no registry, so that npm ci uses the registry of its user', () => {
  assert.deepEqual(
    entries.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path),
    [],
  );
});

test('no package runs a script when it is installed, and those that have one are known', () => {
  assert.match(readFileSync(`${root}.npmrc`, 'utf8'), /^ignore-scripts=true$/m);
  const found = entries.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => nameOf(path));
  assert.deepEqual(found.sort(), withScripts);
  for (const name of withScripts) assert.ok(page.includes(name), name);
  for (const file of ['Dockerfile.node', 'Dockerfile.webhook']) {
    const text = readFileSync(`${root}${file}`, 'utf8');
    assert.match(text, /^COPY package\.json package-lock\.json \.npmrc /m, file);
    assert.doesNotMatch(text, /ignore-scripts|\bnpm (install|rebuild)\b/, file);
  }
});

for (const [title, dependencies] of [
  ['Run-time packages', packageFile.dependencies],
  ['Optional packages', packageFile.optionalDependencies],
] as const) {
  test(`docs/explanation/dependencies.md has a row for each package under "${title}", with its number of packages`, () => {
    const section = page.split(`## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
    const rows = [...section.matchAll(/^\| `([^`]+)` .*\| +(\d+) +\|[^|]+\|$/gm)].map(([, name = '', count]) => [
      name,
      Number(count),
    ]);
    assert.deepEqual(
      Object.fromEntries(rows),
      Object.fromEntries(Object.keys(dependencies).map((name) => [name, countBelow(name)])),
    );
  });
}

test('docs/explanation/dependencies.md has the right number of packages', () => {
  assert.ok(page.includes(`${Object.keys(packageFile.dependencies).length} direct run-time dependencies`));
});

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** Returns the number of packages that a direct dependency installs, including optional packages of all platforms. */
function countBelow(name: string): number {
  const seen = new Set<string>();
  const left = [`node_modules/${name}`];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const { dependencies, optionalDependencies } = packages[path] ?? {};
    for (const below of Object.keys({ ...dependencies, ...optionalDependencies })) left.push(...findFrom(path, below));
  }
  return seen.size - 1;
}

/** Returns where Node.js finds a package from another one: in its own node_modules, or in those around it. */
function findFrom(path: string, name: string): readonly string[] {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const candidate = `${at}${at === '' ? '' : '/'}node_modules/${name}`;
    if (packages[candidate] !== undefined) return [candidate];
    if (at === '') return [];
  }
}
