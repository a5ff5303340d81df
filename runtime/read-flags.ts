// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from './errors.ts';
import type { CommandLine, Flags, FlagValues } from './flags.ts';

/** The result of reading a command line: its values, or the help if the command line asks for it. */
export type Parsed<Table extends Flags> =
  | { readonly values: FlagValues<Table>; readonly positionals: readonly string[] }
  | { readonly help: string };

/**
 * Reads a command line and the environment. A flag takes precedence over its environment variable. Raises InvalidFlags
 * with all errors at once: unknown flags and variables, missing or invalid values, and a wrong number of positional
 * arguments.
 */
export function readFlags<Table extends Flags>(
  line: CommandLine<Table>,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Parsed<Table> {
  if (asksForHelp(argv)) return { help: helpText(line) };
  const { values, positionals, faults } = readSound(line, argv, environment);
  if (faults.length > 0) {
    const hint = `see ${line.command} --help`;
    throw new MacvtapError('InvalidFlags', `${[...faults, hint].join('\n')}`);
  }
  return { values: Object.freeze(values) as FlagValues<Table>, positionals };
}

/**
 * Reads the valid parts of a command line, and returns the errors instead of raising them. The command line may be
 * incomplete, because the user is still typing it.
 */
export function readSound<Table extends Flags>(
  line: CommandLine<Table>,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): {
  readonly values: Partial<FlagValues<Table>>;
  readonly positionals: readonly string[];
  readonly faults: readonly string[];
} {
  const { texts, positionals, faults } = splitArguments(line, argv);
  const all = [...faults, ...readEnvironment(line, environment, texts)];
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(line.flags)) {
    const given = texts.get(name) ?? (flag.defaultText === undefined ? [] : [flag.defaultText]);
    if (given.length === 0 && flag.required) all.push(`--${name}: missing; give it, or ${variableOf(name)}`);
    const readings = (flag.repeats ? given : given.slice(-1)).map((text) => ({ text, ...flag.read(text) }));
    const wrong = readings.flatMap((reading) => ('fault' in reading ? [reading] : []));
    all.push(...wrong.map(({ text, fault }) => `${dashed(name)} ${text}: ${fault}`));
    const good = readings.flatMap((reading) => ('value' in reading ? [reading.value] : []));
    if (flag.repeats) values[name] = good.flat();
    else if (good.length > 0) [values[name]] = good;
  }
  return { values: values as Partial<FlagValues<Table>>, positionals, faults: all };
}

/** Returns whether `--help` or `-h` occurs before any `--`. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).some((argument) => argument === '--help' || argument === '-h');
}

/**
 * Matches the environment variables that kubelet sets in every pod for a Service `kube-macvtap-…`
 * (envvars.FromServices). They are not flags.
 */
const serviceLink = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

/** Adds to `texts` the flags that are set only in the environment. Returns the errors. */
function readEnvironment<Table extends Flags>(
  { flags, elsewhere = [] }: CommandLine<Table>,
  environment: Readonly<Record<string, string | undefined>>,
  texts: Map<string, string[]>,
): readonly string[] {
  const byVariable = new Map(Object.keys(flags).map((name) => [variableOf(name), name]));
  const passedOver = new Set(elsewhere.map(variableOf));
  const faults: string[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(variablePrefix) || text === undefined || serviceLink.test(variable)) continue;
    const name = byVariable.get(variable);
    if (name !== undefined) texts.getOrInsert(name, [text]);
    else if (!passedOver.has(variable)) faults.push(`${variable}: no flag has this variable`);
  }
  return faults;
}

/** A command line split into flags and positional arguments, as texts. */
interface Arguments {
  /** The texts of each flag in the order of the command line, by the name of the flag. */
  readonly texts: Map<string, string[]>;
  readonly positionals: readonly string[];
  readonly faults: readonly string[];
}

/** Splits a command line. All arguments after `--` are positional, and so is a single `-`. */
function splitArguments<Table extends Flags>(
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

/** Returns the name of the flag, and its value if the same argument contains one: `--name=x`, `-n=x`, `-nx`. */
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

/** Renders the help. Lines have at most 100 columns, except for examples. */
function helpText<Table extends Flags>({
  command,
  summary,
  positionals,
  flags,
  examples = [],
}: CommandLine<Table>): string {
  const usage = [command, ...positionals.map(placeOf), ...(Object.keys(flags).length === 0 ? [] : ['[flags]'])].join(
    ' ',
  );
  const rows = Object.entries(flags).map(([name, { placeholder, description, defaultText, short }]) => ({
    left: `  ${short === undefined ? '' : `-${short}, `}${dashed(name)}${placeholder === undefined ? '' : ` ${placeholder}`}`,
    right: `${description}${placeholder === undefined || defaultText === undefined ? '' : ` (default ${defaultText || 'none'})`}`,
  }));
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2;
  const lines = rows.map(({ left, right }) =>
    [left.padEnd(width), wrap(right, columns - width).join(`\n${' '.repeat(width)}`)].join(''),
  );
  const flagPart = [
    '',
    'Flags:',
    ...lines,
    '',
    `Each flag can also be set by an environment variable: ${variablePrefix}<FLAG>.`,
  ];
  const examplePart = examples.flatMap(({ purpose, command: example }) => ['', `  # ${purpose}`, `  ${example}`]);
  return [
    summary,
    '',
    `Usage: ${usage}`,
    ...(examples.length === 0 ? [] : ['', 'Examples:', ...examplePart.slice(1)]),
    ...(rows.length === 0 ? [] : flagPart),
  ].join('\n');
}

const columns = 100;

/** Breaks a text into lines. A word that is longer than a line gets a separate line. */
function wrap(text: string, width: number): readonly string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length <= width || lines.at(-1) === '') lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** Returns the flag with its dashes: `--source`, `-o`. */
function dashed(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`;
}

/** Returns the environment variable of a flag: `node-name` → `KUBE_MACVTAP_NODE_NAME`. */
function variableOf(name: string): string {
  return `${variablePrefix}${name.toUpperCase().replaceAll('-', '_')}`;
}

const variablePrefix = 'KUBE_MACVTAP_';

/** Formats a positional argument for the usage line: `directory?` → `[directory]`. */
function placeOf(positional: string): string {
  return positional.endsWith('?') ? `[${positional.slice(0, -1)}]` : `<${positional}>`;
}
