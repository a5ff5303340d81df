// SPDX-License-Identifier: Apache-2.0

/**
 * Characters that a terminal obeys or hides: control and format characters, line and paragraph separators, and lone
 * surrogates. Some format characters change the direction of a text.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** The same characters, except for line ends, tabs, and the colours that the programs and their logger write. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern finds control characters.
const hiddenInLines = /(?![\n\t])(?!\u001b\[(?:0|2|22|[349]\d)m)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/**
 * Makes a text from outside safe for a terminal. Characters that a terminal obeys or hides are escaped as in a JSON
 * string.
 *
 * @example 'eth0\u202e' becomes 'eth0\\u202e'
 */
export function printable(text: string): string {
  return text.replaceAll(hidden, writeOut);
}

/** Makes a whole output safe for a terminal, and keeps its lines and colours. */
export function printableLines(text: string): string {
  return text.replaceAll(hiddenInLines, writeOut);
}

/** Returns whether `printable` would change the text. */
export function hasHidden(text: string): boolean {
  return text.search(hidden) >= 0;
}

function writeOut(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}

/** A cell with a style, such as a colour. The style must not change the width of the text. */
interface StyledCell {
  readonly text: string;
  readonly style: (text: string) => string;
}

export type Cell = string | StyledCell;

/**
 * Renders a table in the format of kubectl: columns are as wide as their widest cell, and lines have no trailing
 * blanks. If `width` is given, the widest columns shrink, but not below the width of their header. A cell that no
 * longer fits ends in `…`.
 */
export function textTable(header: readonly string[], rows: readonly (readonly Cell[])[], width?: number): string {
  const lines = [header, ...rows].map((row) => row.map(toStyled));
  // Not `Math.max(...lines)`: a large cluster has more lines than a call can have arguments.
  const wished = header.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, line[column]?.text.length ?? 0), 0),
  );
  const widths = width === undefined ? wished : fitColumns(wished, header, width);
  return lines.map((line) => renderLine(line, widths)).join('\n');
}

const gapWidth = 2;

function fitColumns(wished: readonly number[], header: readonly string[], width: number): readonly number[] {
  const widths = [...wished];
  const room = width - gapWidth * (widths.length - 1);
  const least = header.map((title) => Math.max(title.length, leastWidth));
  while (widths.reduce((sum, one) => sum + one, 0) > room) {
    const spare = widths.map((one, column) => one - (least[column] ?? 0));
    if (spare.every((one) => one <= 0)) break;
    const widest = widths.reduce(
      (best, one, at) => ((spare[at] ?? 0) > 0 && one > (widths[best] ?? 0) ? at : best),
      spare.findIndex((one) => one > 0),
    );
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** The width below which no column shrinks. A name of this length is still recognizable. */
const leastWidth = 8;

function toStyled(cell: Cell): StyledCell {
  if (typeof cell === 'string') return { text: printable(cell), style: (text) => text };
  return { text: printable(cell.text), style: cell.style };
}

function renderLine(line: readonly StyledCell[], widths: readonly number[]): string {
  const last = line.findLastIndex(({ text }) => text !== '');
  return line
    .slice(0, last + 1)
    .map(({ text, style }, column) => {
      const width = widths[column] ?? 0;
      const shown = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
      return `${style(shown)}${' '.repeat(column === last ? 0 : width + gapWidth - shown.length)}`;
    })
    .join('');
}
