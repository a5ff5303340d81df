// SPDX-License-Identifier: Apache-2.0
import type { Flag } from './flags.ts';

/** A text; without a default it is undefined where nobody gives it. */
export function textFlag(placeholder: string, description: string, defaultText: string): Flag<string>;
export function textFlag(placeholder: string, description: string): Flag<string | undefined>;
export function textFlag(placeholder: string, description: string, defaultText?: string): Flag<string | undefined> {
  return { placeholder, description, defaultText, read: (value) => ({ value }) };
}

/** A word out of a closed set; without a default it is undefined where nobody gives it. */
export function choiceFlag<const Choice extends string>(
  choices: readonly Choice[],
  description: string,
  defaultText: Choice,
): Flag<Choice>;
export function choiceFlag<const Choice extends string>(
  choices: readonly Choice[],
  description: string,
): Flag<Choice | undefined>;
export function choiceFlag<const Choice extends string>(
  choices: readonly Choice[],
  description: string,
  defaultText?: Choice,
): Flag<Choice | undefined> {
  return {
    placeholder: choices.join('|'),
    description,
    defaultText,
    read: (text) => {
      const value = choices.find((choice) => choice === text);
      return value === undefined ? { fault: `write one of ${choices.join(', ')}` } : { value };
    },
  };
}

/** A list with commas; empty items are dropped, so that an empty text is an empty list. */
export function listFlag(placeholder: string, description: string, defaultText: string): Flag<readonly string[]> {
  const read = (text: string) => ({
    value: text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  });
  return { placeholder, description, defaultText, read };
}

/** A text that may be given several times, and holds commas as they are: a path. Empty where nobody gives it. */
export function pathsFlag(placeholder: string, description: string): Flag<readonly string[]> {
  return { placeholder, description, defaultText: undefined, repeats: true, read: (text) => ({ value: [text] }) };
}

/** A duration in milliseconds, or with a unit: 300, 300ms, 2s, 10m, 1h, 365d; without a default, undefined where nobody gives it. */
export function durationFlag(description: string, defaultText: string): Flag<number>;
export function durationFlag(description: string): Flag<number | undefined>;
export function durationFlag(description: string, defaultText?: string): Flag<number | undefined> {
  return {
    placeholder: 'DURATION',
    description,
    defaultText,
    read: (text) => {
      const [, digits, unit = 'ms'] = /^(\d{1,9})(ms|s|m|h|d)?$/.exec(text) ?? [];
      if (digits === undefined) return { fault: 'write a number with ms, s, m, h or d' };
      return { value: Number(digits) * unitsMs[unit as keyof typeof unitsMs] };
    },
  };
}

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A flag without a value: given or not. */
export function switchFlag(description: string): Flag<boolean> {
  return {
    placeholder: undefined,
    description,
    defaultText: 'false',
    read: (text) => (text === 'true' || text === 'false' ? { value: text === 'true' } : { fault: 'takes no value' }),
  };
}
