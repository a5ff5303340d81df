// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from './errors.ts';
import { dashed, helpText, variableOf, variablePrefix } from './help-text.ts';
import { splitArguments } from './split-arguments.ts';

/** One flag of a command; `--node-name` can also be said as KUBE_MACVTAP_NODE_NAME. */
export interface Flag<Value> {
  /** What stands for the value in the help: `NAME`; undefined for a flag without a value. */
  readonly placeholder: string | undefined;
  readonly description: string;
  /** The text that counts when nobody says anything; shown in the help. */
  readonly defaultText: string | undefined;
  /** Without a default, whether somebody must give it. */
  readonly required?: true;
  /** One letter that stands for the name: `-n`, also with the value at once, `-nvms`. */
  readonly short?: string;
  /** Whether it may be given several times: the lists that its texts are read as then become one. */
  readonly repeats?: true;
  /** Turns the text into the value; a returned fault says what is wrong with it. */
  readonly read: (text: string) => { readonly value: Value } | { readonly fault: string };
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values of a table of flags, by name; a flag without a default that nobody gave is undefined. */
export type FlagValues<Table extends Flags> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer Value> ? Value : never;
};

/**
 * How a command is called: its flags, and its positional arguments by name. One that ends in `?` may be left out; the last
 * one may end in `...`: one or more of it.
 */
export interface CommandLine<Table extends Flags> {
  readonly command: string;
  readonly summary: string;
  readonly positionals: readonly string[];
  readonly flags: Table;
  /** Flags of its sisters: a variable of theirs, which a person may have set for all, is no fault here. */
  readonly elsewhere?: readonly string[];
  /** Exit code of what it raises, where 1 has another meaning. */
  readonly failed?: number;
}

/** What a command line says; `help` when it asks for the help instead. */
export type Parsed<Table extends Flags> =
  | { readonly values: FlagValues<Table>; readonly positionals: readonly string[] }
  | { readonly help: string };

/**
 * Reads a command line and the environment; a flag wins over its variable. Raises InvalidFlags with every fault
 * together: unknown flags and variables, missing or illegal values, positionals too few or too many.
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

/** What is right of a command line and the environment, as of a line that is still being written, and what is not. */
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

/** Anywhere before a `--`. */
function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).some((argument) => argument === '--help' || argument === '-h');
}

/** What kubelet tells every pod of a Service whose name begins like our prefix (envvars.FromServices): nobody's flag. */
const serviceLink = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

/** Adds what the environment says of flags that the command line does not; returns the faults. */
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
