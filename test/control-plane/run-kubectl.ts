// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { binaryPath } from '../binaries/binary-path.ts';

/** How kubectl ended, as a user sees it. */
export interface KubectlEnding {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The longest wait, which is above the server's own longest wait for a webhook (30 s). */
const guardMs = 60_000;

export interface KubectlOptions {
  readonly kubeconfig: string;
  /** The folder of its caches, so that it does not remember an earlier cluster. */
  readonly home: string;
  /** The path of kubectl. By default, it is the one of the version of Kubernetes in use. */
  readonly program?: string;
}

/** Runs the built kubectl. */
export function runKubectl(
  { kubeconfig, home, program = binaryPath('kubectl') }: KubectlOptions,
  args: readonly string[],
  stdin = '',
): Promise<KubectlEnding> {
  const { promise, resolve, reject } = Promise.withResolvers<KubectlEnding>();
  const child = spawn(program, [`--kubeconfig=${kubeconfig}`, ...args], {
    env: { PATH: process.env.PATH, HOME: home },
    timeout: guardMs,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text;
  });
  child.once('error', reject);
  child.once('close', (code) => resolve({ code, ...output }));
  // If kubectl ends before it has read everything, the pipe closes. The exit code explains more than this error.
  child.stdin.once('error', () => undefined);
  child.stdin.end(stdin);
  return promise;
}
