// SPDX-License-Identifier: Apache-2.0
import type { CommandLine, Flags } from './flags.ts';

/** The help as `--help` prints it, within 100 columns. */
export function helpText<Table extends Flags>({ command, summary, positionals, flags }: CommandLine<Table>): string {
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
  const flagPart = ['', ...lines, '', `Each flag can be given as a variable: ${variablePrefix}<FLAG>.`];
  return [summary, '', `Usage: ${usage}`, ...(rows.length === 0 ? [] : flagPart)].join('\n');
}

const columns = 100;

/** A text in lines; a word that is longer than one stands alone. */
function wrap(text: string, width: number): readonly string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length <= width || lines.at(-1) === '') lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** A flag as it is written: `--source`, `-o`. */
export function dashed(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`;
}

/** The variable of a flag: `node-name` → `KUBE_MACVTAP_NODE_NAME`. */
export function variableOf(name: string): string {
  return `${variablePrefix}${name.toUpperCase().replaceAll('-', '_')}`;
}

export const variablePrefix = 'KUBE_MACVTAP_';

/** `directory?` → `[directory]`. */
function placeOf(positional: string): string {
  return positional.endsWith('?') ? `[${positional.slice(0, -1)}]` : `<${positional}>`;
}
