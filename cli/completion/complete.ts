// SPDX-License-Identifier: Apache-2.0
import type { Flag } from '../../runtime/flags.ts';
import type { Command } from '../commands.ts';

/** What a shell does with the candidates (cobra's ShellCompDirective): 4 names no file, 0 may be one. */
const noFile = ':4';
const mayBeFile = ':0';

/**
 * Candidates for the last of the words behind `kubectl macvtap`, one on a line with its meaning behind a tab, and at the
 * end the directive: the form of cobra's `__complete`, which kubectl asks its plugins for.
 */
export async function complete(words: readonly string[], commands: Readonly<Record<string, Command>>): Promise<string> {
  const [name = '', ...rest] = words;
  if (rest.length === 0)
    return answer(
      noFile,
      name,
      Object.entries(commands).map(([key, { summary }]) => [key, summary]),
    );
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) return noFile;
  const { flags, positionals } = await command.line();
  const word = rest.at(-1) ?? '';
  const flag = rest.length > 1 ? flagOf(rest.at(-2) ?? '', flags) : undefined;
  if (flag?.placeholder !== undefined) return values(flag, word, '');
  const [, long = '', value] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
  const assigned = value === undefined ? undefined : flags[long];
  if (assigned !== undefined && value !== undefined) return values(assigned, value, `--${long}=`);
  if (word.startsWith('-')) {
    return answer(
      noFile,
      word,
      Object.entries(flags).map(([key, { description }]) => [key.length === 1 ? `-${key}` : `--${key}`, description]),
    );
  }
  const [first = ''] = positionals;
  const choices = first.split('|').filter((choice) => /^[a-z]+$/.test(choice));
  if (choices.length > 1)
    return answer(
      noFile,
      word,
      choices.map((choice) => [choice, '']),
    );
  return /^(file|directory)/.test(first) ? mayBeFile : noFile;
}

function flagOf(word: string, flags: Readonly<Record<string, Flag<unknown>>>): Flag<unknown> | undefined {
  const [, dashes = '', name = ''] = /^(--?)([^=]+)$/.exec(word) ?? [];
  if (dashes === '--') return Object.hasOwn(flags, name) ? flags[name] : undefined;
  return Object.values(flags).find(({ short }) => short === name);
}

function values({ placeholder = '' }: Flag<unknown>, word: string, prefix: string): string {
  const choices = /^[\w-]+(\|[\w-]+)+$/.test(placeholder) ? placeholder.split('|') : [];
  if (choices.length > 0)
    return answer(
      noFile,
      `${prefix}${word}`,
      choices.map((choice) => [`${prefix}${choice}`, '']),
    );
  return /FILE|DIR/.test(placeholder) ? mayBeFile : noFile;
}

function answer(directive: string, word: string, candidates: readonly (readonly [string, string])[]): string {
  const fitting = candidates.filter(([text]) => text.startsWith(word));
  return [...fitting.map(([text, meaning]) => (meaning === '' ? text : `${text}\t${meaning}`)), directive].join('\n');
}
