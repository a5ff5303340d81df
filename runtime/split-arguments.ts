// SPDX-License-Identifier: Apache-2.0
import type { CommandLine, Flags } from './flags.ts';
import { dashed } from './help-text.ts';

/** A command line taken apart; nothing is read yet. */
export interface Arguments {
  /** Each time that a flag was given, by its name. */
  readonly texts: Map<string, string[]>;
  readonly positionals: readonly string[];
  readonly faults: readonly string[];
}

/** Tells flags from positional arguments; after `--` there are only the latter, and `-` alone is one. */
export function splitArguments<Table extends Flags>(
  { positionals: expected, flags }: CommandLine<Table>,
  argv: readonly string[],
): Arguments {
  const texts = new Map<string, string[]>();
  const positionals: string[] = [];
  const faults: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] as string;
    if (argument === '--') {
      positionals.push(...argv.slice(at + 1));
      break;
    }
    if (!argument.startsWith('-') || argument === '-') {
      positionals.push(argument);
      continue;
    }
    const { name, inline } = nameOf(argument, flags);
    const flag = name === undefined ? undefined : flags[name];
    if (name === undefined || flag === undefined) {
      faults.push(`${argument}: no such flag`);
      continue;
    }
    if (inline === undefined && flag.placeholder !== undefined) at += 1;
    const text = inline ?? (flag.placeholder === undefined ? 'true' : argv[at]);
    if (text === undefined) faults.push(`${dashed(name)}: needs a value`);
    else texts.getOrInsertComputed(name, () => []).push(text);
  }
  return { texts, positionals, faults: [...faults, ...countFaults(expected, positionals)] };
}

/** The flag that is meant, and a value that stands in the same argument: `--name=x`, `-n=x`, `-nx`. */
function nameOf(argument: string, flags: Flags): { name?: string; inline?: string | undefined } {
  const [, name = '', inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
  if (Object.hasOwn(flags, name)) return { name, inline };
  if (argument.startsWith('--')) return {};
  const letter = argument.slice(1, 2);
  const long = Object.keys(flags).find((key) => flags[key]?.short === letter);
  if (long === undefined) return {};
  if (name.length === 1) return { name: long, inline };
  return flags[long]?.placeholder === undefined ? {} : { name: long, inline: argument.slice(2) };
}

function countFaults(expected: readonly string[], given: readonly string[]): readonly string[] {
  const missing = expected
    .slice(given.length)
    .filter((name) => !name.endsWith('?'))
    .map((name) => `<${name}>: missing`);
  const isOpen = expected.at(-1)?.endsWith('...') === true;
  const extra = (isOpen ? [] : given.slice(expected.length)).map((text) => `${text}: unexpected`);
  return [...missing, ...extra];
}
