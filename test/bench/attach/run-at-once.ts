// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** A process that is started with nothing but this environment and this standard input. */
export interface ProgramCall {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
}

/**
 * Runs programs at once and returns how long each took, in milliseconds, from the start of all to its end. One of them
 * that fails is an error. `launcher` is at-once.c, compiled: a Node.js process would need a millisecond of its event loop
 * for each of them, one after the other, and that would be the figure.
 */
export async function runAtOnce(launcher: string, calls: readonly ProgramCall[]): Promise<readonly number[]> {
  const child = spawn(launcher, { stdio: 'pipe' });
  child.stdin.end(calls.map(encodeCall).join(''));
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`a process that was to be measured failed: ${err.trim() || `exit code ${code}`}`);
  return out
    .trim()
    .split('\n')
    .map((microseconds) => Number(microseconds) / 1000);
}

function encodeCall({ program, environment, stdin }: ProgramCall): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
  return `${program}\0${variables.join('')}\0${stdin}\0`;
}
