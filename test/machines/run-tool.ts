// SPDX-License-Identifier: Apache-2.0
import { startProcess } from '../process/start-process.ts';

/** Runs a program to its end and returns what it printed; raises with that when it fails. */
export async function runTool(...command: readonly [string, ...string[]]): Promise<string> {
  const [name] = command;
  await using running = startProcess({
    name,
    command,
    // What is read is read by its English words, and nobody is there to be asked.
    environment: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
  });
  const { code } = await running.exit;
  if (code === 0) return running.output;
  throw new Error(`${command.join(' ')} failed:\n${running.output}`);
}
