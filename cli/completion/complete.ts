// SPDX-License-Identifier: Apache-2.0
import type { CommandLine, Flag, Flags } from '../../runtime/flags.ts';
import { readUnfinished } from '../../runtime/run-command.ts';
import type { Command } from '../commands.ts';
import { type Candidate, plain } from './candidate.ts';
import { completeSource } from './complete-source.ts';
import { type CompletionFlags, flagChoices, positionalChoices } from './live-choices.ts';

/** What a shell does with the candidates (cobra's ShellCompDirective): 4 names no file, 2 adds no blank, 0 may be a file. */
const noFile = ':4';
const noFileNoBlank = ':6';
const mayBeFile = ':0';

/** More than a shell shows in a useful way. */
const mostCandidates = 1_000;

/**
 * Candidates for the last of the words behind `kubectl macvtap`, one on a line with its meaning behind a tab, and at the
 * end the directive: the form of cobra's `__complete`, which kubectl asks its plugins for.
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

/** The value of a flag: perhaps a file, else out of its closed set, else what is there. */
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
  if (/FILE|DIR/.test(placeholder)) return mayBeFile;
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
  return /^(file|directory)/.test(name) ? mayBeFile : noFile;
}

function soFar(line: CommandLine<Flags>, before: readonly string[]): CompletionFlags {
  return readUnfinished(line, before).values as CompletionFlags;
}

/** What begins like the word. Behind a kind or a directory comes more, so that no blank is put there. */
function answer(word: string, candidates: readonly Candidate[]): string {
  const fitting = candidates.filter(({ text }) => text.startsWith(word)).slice(0, mostCandidates);
  const goesOn = fitting.some(({ text }) => /[/:]$/.test(text));
  return [
    ...fitting.map(({ text, meaning }) => (meaning === '' ? text : `${text}\t${meaning}`)),
    goesOn ? noFileNoBlank : noFile,
  ].join('\n');
}
