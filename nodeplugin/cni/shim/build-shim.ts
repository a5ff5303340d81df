// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtempDisposable, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MacvtapError } from '../../../runtime/errors.ts';

const run = promisify(execFile);

export interface BuildShimOptions {
  /** Split at spaces. @example 'zig cc -target aarch64-linux-musl' */
  readonly compiler?: string;
  readonly flags?: readonly string[];
  /** Where the programs are kept; git ignores the default. */
  readonly folder?: string;
}

/** musl, since a static program of it needs nothing of the host and is small. */
export const shimCompiler = 'musl-gcc';

/** Warnings are errors, and a smashed stack ends the program. */
export const shimFlags: readonly string[] =
  '-std=gnu11 -Wall -Wextra -Werror -Os -s -static -fstack-protector-strong'.split(' ');

export const shimFolder = fileURLToPath(new URL('../../../.cache/shim', import.meta.url));

const source = fileURLToPath(new URL('./macvtap.c', import.meta.url));

/**
 * Compiles the CNI plugin's shim, unless this very source was compiled in this very way before, and returns the path of
 * the program. Its name covers everything that it is made of; it appears whole, by a rename. Raises `ShimNotBuilt`.
 */
export async function buildShim({
  compiler = shimCompiler,
  flags = shimFlags,
  folder = shimFolder,
}: BuildShimOptions = {}): Promise<string> {
  const [command = '', ...first] = compiler.split(' ').filter((word) => word !== '');
  const version = await runCompiler(command, [...first, '--version'], compiler);
  const parts = [compiler, version, ...flags, await readFile(source)];
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  const path = join(folder, `macvtap-${hash.digest('hex').slice(0, 12)}`);
  if (await isThere(path)) return path;
  await mkdir(folder, { recursive: true });
  await using unfinished = await mkdtempDisposable(join(folder, '.unfinished-'));
  const made = join(unfinished.path, 'macvtap');
  await runCompiler(command, [...first, ...flags, '-o', made, source], compiler);
  await rename(made, path);
  return path;
}

/** Whether there is such a compiler at all; what it makes of the source is another question. */
export async function hasCompiler(compiler: string): Promise<boolean> {
  const [command = '', ...first] = compiler.split(' ');
  return await run(command, [...first, '--version']).then(
    () => true,
    () => false,
  );
}

/** Where there is none: what to install on Debian and Ubuntu. */
export const compilerHint = 'apt-get install gcc musl-tools';

async function runCompiler(command: string, args: readonly string[], compiler: string): Promise<string> {
  try {
    return (await run(command, args)).stdout;
  } catch (thrown) {
    const { code, stderr, message } = thrown as NodeJS.ErrnoException & { stderr?: string };
    const text =
      code === 'ENOENT'
        ? `there is no ${command}; install it (${compilerHint}) or name another compiler with --cc`
        : (stderr?.trim() ?? message);
    throw new MacvtapError('ShimNotBuilt', `cannot compile the CNI plugin's shim with ${compiler}: ${text}`, {
      facts: { compiler },
      cause: thrown,
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
