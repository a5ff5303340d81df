// SPDX-License-Identifier: Apache-2.0
import type { CommandLine, Flag, Flags } from '../../runtime/flags.ts';
import { readUnfinished } from '../../runtime/run-command.ts';
import type { Command } from '../commands.ts';
import {
  type Candidate,
  type CompletionFlags,
  completeSource,
  flagChoices,
  plain,
  positionalChoices,
} from './candidates.ts';

/**
 * Directives for the shell (cobra's ShellCompDirective): 4 prevents the completion of file names, and 2 prevents a
 * space after the word. 6 combines both. Without a directive (0), the shell completes file names.
 */
const noFile = ':4';
const noFileNoBlank = ':6';
const fileNames = ':0';

/** The maximum number of candidates that are returned. A shell cannot usefully show more. */
const mostCandidates = 1_000;

/**
 * Completes the last of the words after `kubectl macvtap`. Each line of the result is a candidate, followed by a tab
 * and its description. The last line is a directive for the shell. This is the output format of cobra's `__complete`,
 * which kubectl reads from plugins.
 */
export async function complete(words: readonly string[], commands: Readonly<Record<string, Command>>): Promise<string> {
  const [name = '', ...rest] = words;
  if (rest.length === 0) {
    return answer(
      name,
      Object.entries(commands).map(([text, { summary: meaning }]) => ({ text, meaning })),
    );
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return noFile;
  const line = await command.line();
  const word = rest.at(-1) ?? '';
  const flag = rest.length > 1 ? flagOf(rest.at(-2) ?? '', line.flags) : undefined;
  if (flag?.value.placeholder !== undefined) return await values(line, flag, rest.slice(0, -2), word, '');
  const [, long = '', value] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
  const assigned = value === undefined ? undefined : line.flags[long];
  if (assigned !== undefined && value !== undefined) {
    return await values(line, { name: long, value: assigned }, rest.slice(0, -1), value, `--${long}=`);
  }
  if (word.startsWith('-')) {
    return answer(
      word,
      Object.entries(line.flags).map(([key, { description: meaning }]) => ({
        text: key.length === 1 ? `-${key}` : `--${key}`,
        meaning,
      })),
    );
  }
  return await positional(line, rest.slice(0, -1), word);
}

interface NamedFlag {
  readonly name: string;
  readonly value: Flag<unknown>;
}

function flagOf(word: string, flags: Flags): NamedFlag | undefined {
  const [, dashes = '', name = ''] = /^(--?)([^=]+)$/.exec(word) ?? [];
  const found = Object.entries(flags).find(([long, { short }]) => (dashes === '--' ? long : short) === name);
  return found && { name: found[0], value: found[1] };
}

/** Completes the value of a flag: with file names, fixed values, or names from the cluster. */
async function values(
  line: CommandLine<Flags>,
  { name, value: { placeholder = '' } }: NamedFlag,
  before: readonly string[],
  word: string,
  prefix: string,
): Promise<string> {
  const put = (candidates: readonly Candidate[]) =>
    answer(
      `${prefix}${word}`,
      candidates.map(({ text, meaning }) => ({ text: `${prefix}${text}`, meaning })),
    );
  if (name === 'source') return put(await completeSource(word));
  if (/FILE|DIR/.test(placeholder)) return fileNames;
  if (placeholder.includes('|')) return put(placeholder.split('|').map(plain));
  const live = flagChoices[name];
  return live === undefined ? noFile : put(await live(word, soFar(line, before), []));
}

async function positional(line: CommandLine<Flags>, before: readonly string[], word: string): Promise<string> {
  const { positionals } = readUnfinished(line, before);
  const { positionals: expected } = line;
  const isOpen = expected.at(-1)?.endsWith('...') === true;
  const name = expected[positionals.length] ?? (isOpen ? expected.at(-1) : undefined);
  if (name === undefined) return noFile;
  const choices = name.split('|');
  if (choices.length > 1) return answer(word, choices.map(plain));
  const live = positionalChoices[name];
  if (live !== undefined) return answer(word, await live(word, soFar(line, before), positionals));
  return /^(file|directory)/.test(name) ? fileNames : noFile;
}

function soFar(line: CommandLine<Flags>, before: readonly string[]): CompletionFlags {
  return readUnfinished(line, before).values as CompletionFlags;
}

/**
 * Renders the candidates that start with the word. After a kind or a directory, the shell adds no space, because more
 * text follows.
 */
function answer(word: string, candidates: readonly Candidate[]): string {
  const fitting = candidates.filter(({ text }) => text.startsWith(word)).slice(0, mostCandidates);
  const goesOn = fitting.some(({ text }) => /[/:]$/.test(text));
  return [
    ...fitting.map(({ text, meaning }) => (meaning === '' ? text : `${text}\t${meaning}`)),
    goesOn ? noFileNoBlank : noFile,
  ].join('\n');
}
