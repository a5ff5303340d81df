// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from './errors.ts';

/** One flag of a command; `--node-name` can also be said as KUBE_MACVTAP_NODE_NAME. */
export interface Flag<Value> {
  /** What stands for the value in the help: `NAME`; undefined for a flag without a value. */
  readonly placeholder: string | undefined;
  readonly description: string;
  /** The text that counts when nobody says anything; shown in the help. */
  readonly defaultText: string | undefined;
  /** Without a default, whether somebody must give it. */
  readonly required?: true;
  /** Turns the text into the value; a returned fault says what is wrong with it. */
  readonly read: (text: string) => { readonly value: Value } | { readonly fault: string };
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;

/** The values of a table of flags, by name; a flag without a default that nobody gave is undefined. */
export type FlagValues<Table extends Flags> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer Value> ? Value : never;
};

/**
 * How a command is called: its flags, and its positional arguments by name, all of which are required. The last one may
 * end in `...`: one or more of it.
 */
export interface CommandLine<Table extends Flags> {
  readonly command: string;
  readonly summary: string;
  readonly positionals: readonly string[];
  readonly flags: Table;
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
  if (argv.includes('--help') || argv.includes('-h')) return { help: helpText(line) };
  const { texts, positionals, faults } = splitArguments(line, argv);
  faults.push(...readEnvironment(line, environment, texts));
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(line.flags)) {
    const text = texts.get(name) ?? flag.defaultText;
    if (text === undefined) {
      if (flag.required) faults.push(`${dashed(name)}: missing; give it, or ${variableOf(name)}`);
      continue;
    }
    const read = flag.read(text);
    if ('fault' in read) faults.push(`${dashed(name)} ${text}: ${read.fault}`);
    else values[name] = read.value;
  }
  if (faults.length > 0) {
    const hint = `see ${line.command} --help`;
    throw new MacvtapError('InvalidFlags', `${[...faults, hint].join('\n')}`);
  }
  return { values: Object.freeze(values) as FlagValues<Table>, positionals };
}

/** A flag as it is written: `--source`, `-o`. */
function dashed(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`;
}

/** The variable of a flag: `node-name` → `KUBE_MACVTAP_NODE_NAME`. */
function variableOf(name: string): string {
  return `${variablePrefix}${name.toUpperCase().replaceAll('-', '_')}`;
}

/** The help as `--help` prints it, within 100 columns. */
function helpText<Table extends Flags>({ command, summary, positionals, flags }: CommandLine<Table>): string {
  const usage = [command, ...positionals.map((name) => `<${name}>`), '[flags]'].join(' ');
  const rows = Object.entries(flags).map(([name, { placeholder, description, defaultText }]) => ({
    left: `  ${dashed(name)}${placeholder === undefined ? '' : ` ${placeholder}`}`,
    right: `${description}${placeholder === undefined || defaultText === undefined ? '' : ` (default ${defaultText || 'none'})`}`,
  }));
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2;
  const lines = rows.map(({ left, right }) => `${left.padEnd(width)}${right}`);
  return [
    summary,
    '',
    `Usage: ${usage}`,
    '',
    ...lines,
    '',
    `Each flag can be given as a variable: ${variablePrefix}<FLAG>.`,
  ].join('\n');
}

const variablePrefix = 'KUBE_MACVTAP_';

/** What kubelet tells every pod of a Service whose name begins like our prefix (envvars.FromServices): nobody's flag. */
const serviceLink = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

function splitArguments<Table extends Flags>(
  { positionals: expected, flags }: CommandLine<Table>,
  argv: readonly string[],
): { texts: Map<string, string>; positionals: string[]; faults: string[] } {
  const texts = new Map<string, string>();
  const positionals: string[] = [];
  const faults: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] as string;
    if (!argument.startsWith('-') || argument === '-') {
      positionals.push(argument);
      continue;
    }
    const [, name = '', inline] = /^--?([^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) {
      faults.push(`${argument}: no such flag`);
    } else if (flag.placeholder === undefined) {
      texts.set(name, inline ?? 'true');
    } else {
      if (inline === undefined) at += 1;
      const text = inline ?? argv[at];
      if (text === undefined) faults.push(`${dashed(name)}: needs a value`);
      else texts.set(name, text);
    }
  }
  const missing = expected.slice(positionals.length).map((name) => `<${name}>: missing`);
  const isOpen = expected.at(-1)?.endsWith('...') === true;
  const extra = (isOpen ? [] : positionals.slice(expected.length)).map((text) => `${text}: unexpected`);
  return { texts, positionals, faults: [...faults, ...missing, ...extra] };
}

/** Adds what the environment says of flags that the command line does not; returns the faults. */
function readEnvironment<Table extends Flags>(
  { flags }: CommandLine<Table>,
  environment: Readonly<Record<string, string | undefined>>,
  texts: Map<string, string>,
): readonly string[] {
  const byVariable = new Map(Object.keys(flags).map((name) => [variableOf(name), name]));
  const faults: string[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(variablePrefix) || text === undefined || serviceLink.test(variable)) continue;
    const name = byVariable.get(variable);
    if (name === undefined) faults.push(`${variable}: no flag has this variable`);
    else if (!texts.has(name)) texts.set(name, text);
  }
  return faults;
}
