// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../runtime/errors.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { completionScripts } from './completion/scripts.ts';
import { print } from './output/print.ts';
import { sharedFlags } from './shared-flags.ts';

export const completionLine = {
  command: 'kubectl macvtap completion',
  summary:
    'Prints what a shell reads to complete kubectl-macvtap, as in: source <(kubectl macvtap completion bash). What stands\n' +
    'behind kubectl macvtap is completed by kubectl itself, which asks kubectl_complete-macvtap in the PATH.',
  positionals: ['bash|zsh|fish'],
  flags: {},
  elsewhere: sharedFlags,
} as const;

export function runCompletion(argv: readonly string[]): Promise<void> {
  return runCommand(
    completionLine,
    async (_, [shell = '']) => {
      if (!Object.hasOwn(completionScripts, shell)) {
        throw new MacvtapError('InvalidFlags', `${shell}: write one of ${Object.keys(completionScripts).join(', ')}`);
      }
      await print(completionScripts[shell as keyof typeof completionScripts]);
      return exitCode.done;
    },
    argv,
  );
}
