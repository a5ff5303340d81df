// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { WhyReport } from '../../cli/why/render-explanation.ts';
import { binaryPath } from '../binaries/binary-path.ts';
import { type Ending, runProgram } from '../process/run-program.ts';

/** A user with a kubeconfig, the program and kubectl. */
export interface Asker {
  /** Returns the program's output, as a user sees it. */
  ask(...args: readonly string[]): Promise<Ending>;
  /**
   * Runs the program with `-o json` and returns the report. Rejects with the program's output if there is no report.
   */
  report(...args: readonly string[]): Promise<WhyReport>;
  /** Runs a printed command line unchanged in a shell. Rejects with its output if it fails. */
  copy(line: string): Promise<string>;
}

/** The longest wait. */
const guardMs = 90_000;

/** Prepares a user. `folder` is for a program named kubectl and for caches. */
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
