// SPDX-License-Identifier: Apache-2.0
import { inspect } from 'node:util';
import { errorReference, MacvtapError } from './errors.ts';
import type { CommandLine, Flags, FlagValues } from './flags.ts';
import { readFlags, readSound } from './read-flags.ts';
import { printableLines } from './terminal-text.ts';

/** The exit codes of every command: success, failure, and an invalid command line. */
export const exitCode = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs a command. Reads its flags and answers `--help`. If the command fails, prints the error to standard error and
 * sets the exit code. A bug is printed with its stack. Any other error is printed with its message and a reference to
 * the explanation of its code.
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
    const text = error.code === 'Unexpected' ? describeBug(error) : `${line.command}: ${withReference(error)}`;
    console.error(printableLines(text));
    process.exitCode = error.code === 'InvalidFlags' ? exitCode.usage : (line.failed ?? exitCode.failed);
  }
}

/**
 * Adds a reference to the explanation of the error's code. For an invalid command line, the message already refers to
 * `--help`, which is more helpful.
 */
function withReference({ code, message }: MacvtapError): string {
  if (code === 'InvalidFlags') return message;
  return `${message}${message.endsWith('?') ? ' See' : '; see'} ${errorReference(code)}`;
}

/** Returns the text of a bug, with its stack if it has one. */
function describeBug(error: MacvtapError): string {
  const thrown = error.cause ?? error;
  return typeof thrown === 'string' ? thrown : inspect(thrown);
}

/** Reads the environment and an incomplete command line that the user is still typing. Ignores errors. */
export function readUnfinished<Table extends Flags>(
  line: CommandLine<Table>,
  argv: readonly string[],
): Pick<ReturnType<typeof readSound<Table>>, 'values' | 'positionals'> {
  return readSound(line, argv, process.env);
}

/**
 * The exit codes of a process that was ended by a signal, as in shells: 128 plus the number of the signal (signal(7)).
 */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Returns an abort signal. The first SIGINT or SIGTERM aborts it, so that the process can close everything in order. A
 * second SIGINT or SIGTERM ends the process at once.
 */
export function signalScope(): { readonly signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const onSignal = (name: keyof typeof exitCodes) => {
    if (controller.signal.aborted) process.exit(exitCodes[name]);
    controller.abort(name);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
