// SPDX-License-Identifier: Apache-2.0

/** A flag of a command. An environment variable can also set it: KUBE_MACVTAP_NODE_NAME sets `--node-name`. */
export interface Flag<Value> {
  /** The name of the value in the help, such as `NAME`. Undefined for a flag without a value. */
  readonly placeholder: string | undefined;
  readonly description: string;
  /** The text that is used if the flag is not set. It is also shown in the help. */
  readonly defaultText: string | undefined;
  /** Whether the flag must be set. Allowed only for flags without a default. */
  readonly required?: true;
  /** A one-letter name: `n` means that `-n vms` and `-nvms` also work. */
  readonly short?: string;
  /** Whether the flag may be set several times. Each value is then a list, and the lists are joined. */
  readonly repeats?: true;
  /** Reads the value from the text, or returns the reason why the text is invalid. */
  readonly read: (text: string) => { readonly value: Value } | { readonly fault: string };
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values of flags by name. A flag that is not set and has no default is undefined. */
export type FlagValues<Table extends Flags> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer Value> ? Value : never;
};

/**
 * The interface of a command: its flags, and the names of its positional arguments. `directory?` is optional.
 * `file...`, which must be the last, may be given several times.
 */
export interface CommandLine<Table extends Flags> {
  readonly command: string;
  readonly summary: string;
  readonly positionals: readonly string[];
  readonly flags: Table;
  /** Command lines that the help shows. */
  readonly examples?: readonly Example[];
  /**
   * The flags of the program's other commands. Their environment variables are not errors, because they may be set for
   * all commands.
   */
  readonly elsewhere?: readonly string[];
  /** The exit code for errors. Set it only if 1 has another meaning for this command. */
  readonly failed?: number;
}

/**
 * A command line that a user can copy.
 *
 * @example { purpose: 'Follow changes', command: 'kubectl macvtap status --watch' }
 */
interface Example {
  readonly purpose: string;
  readonly command: string;
}

/** The values of `--log-level`. They are here because runtime/log.ts loads the logger, which commands do not need. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** Creates a flag with a text as its value. Without a default, the value is undefined if the flag is not set. */
export function textFlag(placeholder: string, description: string, defaultText: string): Flag<string>;
export function textFlag(placeholder: string, description: string): Flag<string | undefined>;
export function textFlag(placeholder: string, description: string, defaultText?: string): Flag<string | undefined> {
  return { placeholder, description, defaultText, read: (value) => ({ value }) };
}

/**
 * Creates a flag with one of `choices` as its value. Without a default, the value is undefined if the flag is not set.
 */
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

/**
 * Creates a flag with a comma-separated list as its value. Empty items are dropped, so an empty text gives an empty
 * list.
 */
export function listFlag(placeholder: string, description: string, defaultText: string): Flag<readonly string[]> {
  const read = (text: string) => ({
    value: text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  });
  return { placeholder, description, defaultText, read };
}

/**
 * Creates a flag with a list of paths as its value. The flag is repeated for each path, because a path may contain
 * commas. The list is empty if the flag is not set.
 */
export function pathsFlag(placeholder: string, description: string): Flag<readonly string[]> {
  return { placeholder, description, defaultText: undefined, repeats: true, read: (text) => ({ value: [text] }) };
}

/**
 * Creates a flag with a duration as its value, in milliseconds: 300, 300ms, 2s, 10m, 1h, 365d. Without a default, the
 * value is undefined if the flag is not set.
 */
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

/** Creates a flag with a positive whole number as its value. */
export function countFlag(description: string, defaultCount: number): Flag<number> {
  return {
    placeholder: 'COUNT',
    description,
    defaultText: String(defaultCount),
    read: (text) => (/^[1-9]\d{0,8}$/.test(text) ? { value: Number(text) } : { fault: 'write a whole number above 0' }),
  };
}

/** Creates a flag without a value, which is either set or not set. */
export function switchFlag(description: string): Flag<boolean> {
  return {
    placeholder: undefined,
    description,
    defaultText: 'false',
    read: (text) => (text === 'true' || text === 'false' ? { value: text === 'true' } : { fault: 'takes no value' }),
  };
}
