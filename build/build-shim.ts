// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtempDisposable, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeExecutable } from '../runtime/atomic-file.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { textFlag } from '../runtime/flags.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';

const run = promisify(execFile);

export interface BuildShimOptions {
  /** The command line of the compiler, split at spaces. @example 'zig cc -target aarch64-linux-musl' */
  readonly compiler?: string;
  readonly flags?: readonly string[];
  /** The folder for compiled programs. The default folder is ignored by git. */
  readonly folder?: string;
}

/** The default compiler. A static musl program is small and needs no libraries on the host. */
export const shimCompiler = 'musl-gcc';

/** The default flags. Warnings are errors, and the program ends if its stack is overwritten. */
export const shimFlags: readonly string[] =
  '-std=gnu11 -Wall -Wextra -Werror -Os -s -static -fstack-protector-strong'.split(' ');

export const shimFolder = fileURLToPath(new URL('../.cache/shim', import.meta.url));

const source = fileURLToPath(new URL('../nodeplugin/cni/shim/macvtap.c', import.meta.url));

/**
 * Compiles the CNI plugin's shim and returns the path of the program. Reuses an existing program for the same source,
 * compiler and flags: the name of the program contains their hash. A rename moves a new program into place, so that no
 * other process finds an incomplete one. Raises `ShimNotBuilt`.
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

/** Returns whether the compiler can be run. */
export async function hasCompiler(compiler: string): Promise<boolean> {
  const [command = '', ...first] = compiler.split(' ');
  return await run(command, [...first, '--version']).then(
    () => true,
    () => false,
  );
}

/** The command that installs a compiler on Debian and Ubuntu. */
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

const line = {
  command: 'npm run shim --',
  summary: 'Compiles the CNI plugin that the node plugin installs on its host.',
  positionals: [],
  flags: {
    cc: textFlag(
      'COMMAND',
      'the C compiler with its arguments; for another architecture a cross compiler',
      shimCompiler,
    ),
    output: textFlag('FILE', 'where the program goes', join(shimFolder, 'macvtap')),
  },
};

if (import.meta.main) {
  await runCommand(line, async ({ cc, output }) => {
    const program = await readFile(await buildShim({ compiler: cc }));
    await writeExecutable(output, program);
    console.log(`${output}: ${program.length} bytes`);
    return exitCode.done;
  });
}
