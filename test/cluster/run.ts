// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { clusterEnvironment } from './environment.ts';

const execute = promisify(execFile);

/** Runs a program until it ends, and returns its standard output. Rejects with its errors if it fails. */
export async function run(...[program, ...args]: readonly [string, ...string[]]): Promise<string> {
  try {
    return (await execute(program, args, { maxBuffer: 64 * 1024 * 1024, env: clusterEnvironment() })).stdout;
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`${[program, ...args].join(' ')} failed:\n${stdout}${stderr}`.trimEnd(), { cause: thrown });
  }
}

/** Runs `ip`. The arguments are split at spaces: `ip('link add …')`. */
export async function ip(args: string): Promise<string> {
  return await run('ip', ...args.split(' '));
}
