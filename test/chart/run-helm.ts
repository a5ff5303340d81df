// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { binaryPath } from '../binaries/binary-path.ts';

/** The folder of the chart. */
export const chartFolder = fileURLToPath(new URL('../../charts/kube-macvtap', import.meta.url));

/** Helm 4 and the last version of Helm 3, by their names in test/binaries. */
export const helms = ['helm', 'helm3'] as const;
export type HelmName = (typeof helms)[number];

/** How Helm ended, as a user sees it. */
export interface HelmEnding {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HelmOptions {
  readonly stdin?: string;
  /** The folder of its caches. None of the user's files are read. */
  readonly home?: string;
  readonly withoutImages?: boolean;
}

/** The longest wait: no command here waits for pods. */
const guardMs = 120_000;

/** Commands that render the chart. Rendering fails without the names of both images. */
const rendering = ['template', 'install', 'upgrade', 'lint'];

/** Values that name both images. Values of a command come later and override them. */
export const imageValues = ['--values', fileURLToPath(new URL('images.yaml', import.meta.url))] as const;

/**
 * Runs one of the Helm versions until it ends. Commands that render the chart get `imageValues`, unless `withoutImages`
 * is set.
 */
export function runHelm(
  helm: HelmName,
  args: readonly string[],
  { stdin = '', home = '/nonexistent', withoutImages = false }: HelmOptions = {},
): HelmEnding {
  const [command = '', ...rest] = args;
  const needsImages = !withoutImages && rendering.includes(command);
  const { status, stdout, stderr, error } = spawnSync(
    binaryPath(helm),
    needsImages ? [command, ...imageValues, ...rest] : args,
    {
      env: { PATH: process.env.PATH, HOME: home },
      input: stdin,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      timeout: guardMs,
      killSignal: 'SIGKILL',
    },
  );
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

/** Runs a Helm command that must succeed. Returns its output; throws with its errors. */
export function mustRunHelm(helm: HelmName, args: readonly string[], options?: HelmOptions): string {
  const { code, stdout, stderr } = runHelm(helm, args, options);
  if (code !== 0) throw new Error(`${helm} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}
