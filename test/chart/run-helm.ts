// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { binaryPath } from '../binaries/binary-path.ts';

/** The chart that is shipped. */
export const chartFolder = fileURLToPath(new URL('../../charts/kube-macvtap', import.meta.url));

/** By their names in test/binaries: Helm 4, and the last of Helm 3. */
export const helms = ['helm', 'helm3'] as const;
export type HelmName = (typeof helms)[number];

/** How Helm ended, as a person sees it. */
export interface HelmEnding {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HelmOptions {
  readonly stdin?: string;
  /** Where it keeps its caches; nothing of a person's is read. */
  readonly home?: string;
}

/** A guard against waiting for ever: no command here waits for pods. */
const guardMs = 120_000;

/** Runs a Helm to its end. */
export function runHelm(
  helm: HelmName,
  args: readonly string[],
  { stdin = '', home = '/nonexistent' }: HelmOptions = {},
): HelmEnding {
  const { status, stdout, stderr, error } = spawnSync(binaryPath(helm), args, {
    env: { PATH: process.env.PATH, HOME: home },
    input: stdin,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: guardMs,
    killSignal: 'SIGKILL',
  });
  if (error !== undefined) throw error;
  return { code: status, stdout, stderr };
}

/** The same for what must succeed; returns what it printed and raises with what it said. */
export function mustRunHelm(helm: HelmName, args: readonly string[], options?: HelmOptions): string {
  const { code, stdout, stderr } = runHelm(helm, args, options);
  if (code !== 0) throw new Error(`${helm} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}
