// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { buildShim, compilerHint, hasCompiler, shimCompiler, shimFlags } from '../../build/build-shim.ts';
import { installShim } from '../../nodeplugin/cni/shim/install-shim.ts';

/** The shim as installed, and with the compiler's memory and arithmetic checks, which end it at the first error. */
export const variants = ['released', 'sanitized'] as const;

const recipes = {
  released: { compiler: shimCompiler, flags: shimFlags },
  sanitized: {
    compiler: 'gcc',
    flags: '-std=gnu11 -Wall -Wextra -Werror -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'.split(' '),
  },
} as const;

/** The `skip` option of tests of the real program: `false`, or the reason why they cannot run. */
export const needsShim: Readonly<Record<(typeof variants)[number], false | string>> = {
  released: (await hasCompiler(shimCompiler)) ? false : `needs a C compiler: ${compilerHint}`,
  sanitized: (await canSanitize())
    ? false
    : "needs gcc with its libraries libasan and libubsan, which come with Debian's",
};

/** An installed shim. If the test needs `directory`, which contains the socket, the test creates it. */
export interface InstalledShim extends AsyncDisposable {
  readonly program: string;
  readonly directory: string;
  readonly socketPath: string;
  readonly tombstones: string;
  run(call: ShimRun): Promise<ShimEnd>;
  start(call: ShimRun): ChildProcess;
}

export interface ShimRun {
  readonly environment?: Readonly<Record<string, string>>;
  /** The standard input. If it is undefined, the input never ends. */
  readonly stdin: string | Uint8Array | undefined;
  /** A script for the shell, in which "$0" is the program. It tests conditions that only a shell can set up. */
  readonly shell?: string;
}

export interface ShimEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** The report of a sanitizer; empty if there is none. */
  readonly stderr: string;
}

/** Installs a shim. With `timeoutMs`, the shim waits no longer than that, instead of a minute. */
export async function makeShim(
  variant: (typeof variants)[number],
  { timeoutMs }: { readonly timeoutMs?: number } = {},
): Promise<InstalledShim> {
  const { compiler, flags } = recipes[variant];
  const defined = timeoutMs === undefined ? [] : [`-DTIMEOUT_MS=${timeoutMs}`];
  const binary = await buildShim({ compiler, flags: [...flags, ...defined] });
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-shim-'))).path;
  const bin = join(folder, 'bin');
  const directory = join(folder, 'run');
  const socketPath = join(directory, 'cni.sock');
  await mkdir(bin);
  await installShim({ binary, directory: bin, socketPath });
  const program = join(bin, 'macvtap');
  const scope = undo.move();
  const start = (call: ShimRun) => startShim(program, call);
  return {
    program,
    directory,
    socketPath,
    tombstones: join(directory, 'tombstones'),
    start,
    run: (call) => endOf(start(call)),
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

function startShim(program: string, { environment = {}, stdin, shell }: ShimRun): ChildProcess {
  const [command, args] = shell === undefined ? [program, []] : ['/bin/sh', ['-c', shell, program]];
  // Makes a copy, because under coverage spawn adds a variable to the given object.
  const child = spawn(command, args, { env: { ...environment }, stdio: 'pipe' });
  // The program does not have to read its input.
  child.stdin.on('error', () => {});
  if (stdin !== undefined) child.stdin.end(stdin);
  return child;
}

/** Collects the output of a process until it ends. */
export async function endOf(child: ChildProcess): Promise<ShimEnd> {
  const [stdout, stderr, [exitCode, signal]] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
  ]);
  return { exitCode, signal, stdout, stderr };
}

/** Returns whether the sanitizers work. Their libraries may be missing although the compiler is installed. */
async function canSanitize(): Promise<boolean> {
  const { compiler, flags } = recipes.sanitized;
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-sanitize-'));
  const source = join(folder.path, 'empty.c');
  await writeFile(source, 'int main(void) { return 0; }');
  return await promisify(execFile)(compiler, [...flags, '-o', join(folder.path, 'empty'), source]).then(
    () => true,
    () => false,
  );
}
