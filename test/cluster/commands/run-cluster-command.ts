// SPDX-License-Identifier: Apache-2.0
import type { CommandLine, Flags, FlagValues } from '../../../runtime/flags.ts';
import { exitCode, runCommand } from '../../../runtime/run-command.ts';

/** Runs a command. Prints only the message of an error, which usually comes from a started program. */
export async function runClusterCommand<Table extends Flags>(
  line: CommandLine<Table>,
  run: (values: FlagValues<Table>, positionals: readonly string[]) => Promise<number>,
  argv: readonly string[],
): Promise<void> {
  const runPrintingErrors = async (values: FlagValues<Table>, positionals: readonly string[]) => {
    try {
      return await run(values, positionals);
    } catch (thrown) {
      console.error(thrown instanceof Error ? `${line.command}: ${thrown.message}` : thrown);
      return exitCode.failed;
    }
  };
  await runCommand(line, runPrintingErrors, argv);
}
