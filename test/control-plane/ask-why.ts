// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { WhyReport } from '../../cli/why/to-report.ts';
import { binaryPath } from '../binaries/binary-path.ts';
import { type Ending, runProgram } from '../process/run-program.ts';

/** A person with a kubeconfig, the program and kubectl. */
export interface Asker {
  /** What the program says, as a person sees it. */
  ask(...args: readonly string[]): Promise<Ending>;
  /** The same as `-o json` has it. Raises with what was said where there is none. */
  report(...args: readonly string[]): Promise<WhyReport>;
  /** Runs a line that was printed, as it stands, in a shell; raises with what it said when it fails. */
  copy(line: string): Promise<string>;
}

/** A guard against waiting for ever. */
const guardMs = 90_000;

/** `folder` is for a kubectl of that name, and its caches. */
export async function makeAsker(kubeconfig: string, folder: string): Promise<Asker> {
  const programs = join(folder, 'asker');
  await mkdir(programs, { recursive: true });
  await symlink(binaryPath('kubectl'), join(programs, 'kubectl'));
  const environment = { KUBECONFIG: kubeconfig, HOME: folder, PATH: `${programs}:${process.env.PATH}` };
  const ask = (...args: readonly string[]) => runProgram('cli/kubectl-macvtap.ts', ['why', ...args], environment);
  return {
    ask,
    async report(...args) {
      const { code, stdout, stderr } = await ask(...args, '-o', 'json');
      if (stdout === '') throw new Error(`why ${args.join(' ')} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as WhyReport;
    },
    copy(line) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const options = { env: { ...process.env, ...environment }, timeout: guardMs };
      execFile('/bin/sh', ['-c', line], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${line}\n${stdout}${stderr}`, { cause: error }));
      });
      return promise;
    },
  };
}
