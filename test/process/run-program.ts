// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from './plain-environment.ts';

/** A guard against waiting for ever, far above what anything takes. */
const guardMs = 120_000;

/** How a program ended that was run to its end. */
export interface Ending {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of this project's programs, `cli/kubectl-macvtap.ts`, as its own process, in the plain environment and with the variables given. */
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
