// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from './errors.ts';
import { type CommandLine, type Flags, type FlagValues, readFlags, readSound } from './flags.ts';

/** Exit codes of every command: done, failed, called wrongly. */
export const exitCode = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs a command: reads its flags, answers `--help`, and turns what it throws into a line on standard error and an exit
 * code. A bug shows its stack; everything else is told in words only.
 */
export async function runCommand<Table extends Flags>(
  line: CommandLine<Table>,
  run: (values: FlagValues<Table>, positionals: readonly string[]) => Promise<number>,
  argv: readonly string[] = process.argv.slice(2),
): Promise<void> {
  try {
    const parsed = readFlags(line, argv, process.env);
    if ('help' in parsed) console.log(parsed.help);
    else process.exitCode = await run(parsed.values, parsed.positionals);
  } catch (thrown) {
    const error = MacvtapError.from(thrown);
    console.error(error.code === 'Unexpected' ? (error.cause ?? error) : `${line.command}: ${error.message}`);
    process.exitCode = error.code === 'InvalidFlags' ? exitCode.usage : (line.failed ?? exitCode.failed);
  }
}

/** What a command line that is still being written says so far, with the environment; what is wrong with it is passed over. */
export function readUnfinished<Table extends Flags>(
  line: CommandLine<Table>,
  argv: readonly string[],
): Pick<ReturnType<typeof readSound<Table>>, 'values' | 'positionals'> {
  return readSound(line, argv, process.env);
}
