// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from './plain-environment.ts';

/** The longest wait, which is far longer than anything takes. */
const guardMs = 120_000;

/** How a program ended. */
export interface Ending {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one of this project's programs, such as `cli/kubectl-macvtap.ts`, as a separate process. It gets the plain
 * environment and the given variables.
 */
export function runProgram(
  program: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  const path = fileURLToPath(new URL(`../../${program}`, import.meta.url));
  const options = { env: { ...plainEnvironment(), ...environment }, timeout: guardMs };
  execFile(process.execPath, [path, ...flags], options, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : error.code, stdout, stderr });
  });
  return promise;
}
