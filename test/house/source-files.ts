// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A file of the project with its text; paths are relative to the root. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Returns every file with one of the endings that git tracks or would track. */
export function sourceFiles(...endings: readonly string[]): readonly SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root });
  return listed
    .toString()
    .split('\n')
    .filter((path) => endings.some((ending) => path.endsWith(ending)) && existsSync(`${root}${path}`))
    .map((path) => ({ path, text: readFileSync(`${root}${path}`, 'utf8') }));
}

/**
 * Returns a module's imports: paths from the root for files of this repository, and otherwise the specifier as written.
 */
export function importsOf({ path, text }: SourceFile): readonly string[] {
  const specifiers = [
    ...text.matchAll(/^(?:import|export)\b[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gms),
  ];
  return specifiers
    .map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '')
    .map((specifier) => (specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier));
}
