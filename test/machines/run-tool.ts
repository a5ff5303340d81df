// SPDX-License-Identifier: Apache-2.0
import { startProcess } from '../process/start-process.ts';

/** Runs a program until it ends, and returns its output. Raises with the output if it fails. */
export async function runTool(...command: readonly [string, ...string[]]): Promise<string> {
  const [name] = command;
  await using running = startProcess({
    name,
    command,
    // The output is parsed by its English words, and nothing can answer a prompt.
    environment: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
  const { code } = await running.exit;
  if (code === 0) return running.output;
  throw new Error(`${command.join(' ')} failed:\n${running.output}`);
}
