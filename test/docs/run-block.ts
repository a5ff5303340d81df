// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { DocBlock } from '../house/doc-blocks.ts';
import { root } from '../house/source-files.ts';

export interface BlockSurroundings {
  /** The folder, relative to the project's root; the default is the root itself. */
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The exit code of the last command; the default is 0. */
  readonly exitCode?: number;
}

/** The longest wait. */
const guardMs = 600_000;

/** A command of a page, with its output if the page shows any. */
interface Step {
  readonly command: string;
  readonly printed: string | undefined;
}

/**
 * Runs a block of a page as a user would who copies it into a shell. `kubectl macvtap` runs from this source tree, even
 * without kubectl. Throws if a command fails, or prints other output than the page shows.
 */
export function runBlock(block: DocBlock, { folder = '.', environment = {}, exitCode = 0 }: BlockSurroundings): void {
  using programs = mkdtempDisposableSync(join(tmpdir(), 'kmt-docs-'));
  const path = writeKubectl(programs.path, environment.PATH ?? process.env.PATH ?? '');
  for (const { command, printed } of stepsOf(block)) {
    // Joins both streams, so that the output has the order that a user sees.
    const { status, stdout, error } = spawnSync('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${command}`], {
      cwd: resolve(root, folder),
      env: { ...process.env, ...environment, PATH: path },
      encoding: 'utf8',
      timeout: guardMs,
    });
    if (error !== undefined) throw error;
    const place = `${block.page}:${block.line}: ${command}`;
    if (status !== exitCode) throw new Error(`${place}\nended with ${status} instead of ${exitCode}:\n${stdout}`);
    if (printed !== undefined && stdout.trimEnd() !== printed) {
      throw new Error(`${place}\nprints\n${stdout.trimEnd()}\nand not\n${printed}`);
    }
  }
}

/**
 * Returns the steps of a block. In a console block, each command follows a `$`. Any other block is a single command.
 */
function stepsOf({ language, text }: DocBlock): readonly Step[] {
  if (language !== 'console') return [{ command: text, printed: undefined }];
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const [command = '', ...printed] = step.trimEnd().split('\n');
      return { command, printed: printed.join('\n') };
    });
}

/** Writes programs to a folder that is first in the PATH. Returns that PATH. */
function writeKubectl(folder: string, path: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const plugin = `${dirname(process.execPath)}/node ${root}cli/launch.js`;
  const script = `#!/bin/sh\nif [ "$1" = macvtap ]; then shift; exec ${plugin} "$@"; fi\nPATH=${path} exec kubectl "$@"\n`;
  writeFileSync(join(bin, 'kubectl'), script);
  chmodSync(join(bin, 'kubectl'), 0o755);
  return `${bin}:${dirname(process.execPath)}:${path}`;
}
