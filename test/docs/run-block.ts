// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { DocBlock } from '../house/doc-blocks.ts';
import { root } from '../house/source-files.ts';

export interface BlockSurroundings {
  /** From the project's root; the root itself where nobody says. */
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the last command; 0 where nobody says. */
  readonly exitCode?: number;
}

/** A guard against waiting for ever. */
const guardMs = 600_000;

/** A command of a page, and what the page says that it prints, if it does. */
interface Step {
  readonly command: string;
  readonly printed: string | undefined;
}

/**
 * Runs a block of a page as a person would who copies it into a shell. `kubectl macvtap` is the one of this source tree, also
 * where there is no kubectl. Raises where a command fails, or prints something else than the page says.
 */
export function runBlock(block: DocBlock, { folder = '.', environment = {}, exitCode = 0 }: BlockSurroundings): void {
  using programs = mkdtempDisposableSync(join(tmpdir(), 'kmt-docs-'));
  const path = writeKubectl(programs.path, environment.PATH ?? process.env.PATH ?? '');
  for (const { command, printed } of stepsOf(block)) {
    // One stream, in the order in which a person sees it.
    const { status, stdout, error } = spawnSync('bash', ['-euo', 'pipefail', '-c', `exec 2>&1\n${command}`], {
      cwd: resolve(root, folder),
      env: { ...process.env, ...environment, PATH: path },
      encoding: 'utf8',
      timeout: guardMs,
    });
    if (error !== undefined) throw error;
    const told = `${block.page}:${block.line}: ${command}`;
    if (status !== exitCode) throw new Error(`${told}\nended with ${status} instead of ${exitCode}:\n${stdout}`);
    if (printed !== undefined && stdout.trimEnd() !== printed) {
      throw new Error(`${told}\nprints\n${stdout.trimEnd()}\nand not\n${printed}`);
    }
  }
}

/** A console's block has a command behind each `$`, others are commands as a whole. */
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

/** A folder of programs first in the PATH; returns that PATH. */
function writeKubectl(folder: string, path: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const plugin = `${dirname(process.execPath)}/node ${root}cli/launch.js`;
  const script = `#!/bin/sh\nif [ "$1" = macvtap ]; then shift; exec ${plugin} "$@"; fi\nPATH=${path} exec kubectl "$@"\n`;
  writeFileSync(join(bin, 'kubectl'), script);
  chmodSync(join(bin, 'kubectl'), 0o755);
  return `${bin}:${dirname(process.execPath)}:${path}`;
}
