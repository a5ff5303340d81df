// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { clusterEnvironment } from './environment.ts';

const execute = promisify(execFile);

/** Runs a program to its end and returns what it printed on its standard output; raises with what it said when it fails. */
export async function run(...[program, ...args]: readonly [string, ...string[]]): Promise<string> {
  try {
    return (await execute(program, args, { maxBuffer: 64 * 1024 * 1024, env: clusterEnvironment() })).stdout;
  } catch (thrown) {
    const { stdout = '', stderr = '' } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`${[program, ...args].join(' ')} failed:\n${stdout}${stderr}`.trimEnd(), { cause: thrown });
  }
}

/** `ip('link add …')`: the arguments are split at spaces. */
export async function ip(args: string): Promise<string> {
  return await run('ip', ...args.split(' '));
}
