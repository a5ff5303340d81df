// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** A process that is started with only this environment and this standard input. */
export interface ProgramCall {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/**
 * Runs programs at once. Returns the duration of each in milliseconds, from the common start to its end. Rejects if one
 * fails. `launcher` is the compiled at-once.c. Node.js would start the programs one after the other, each with a
 * millisecond of its event loop, and the figures would include that.
 */
export async function runAtOnce(launcher: string, calls: readonly ProgramCall[]): Promise<readonly number[]> {
  const child = spawn(launcher, { stdio: 'pipe' });
  child.stdin.end(calls.map(encodeCall).join(''));
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`a measured process failed: ${err.trim() || `exit code ${code}`}`);
  return out
    .trim()
    .split('\n')
    .map((microseconds) => Number(microseconds) / 1000);
}

function encodeCall({ program, environment, stdin }: ProgramCall): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
  return `${program}\0${variables.join('')}\0${stdin}\0`;
}
