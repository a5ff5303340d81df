// SPDX-License-Identifier: Apache-2.0

/** Text from outside as it may go to a terminal: control characters, which a link's name may hold, are written out. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** A cell with what is to be made of its text once it is as wide as its column; it adds nothing that takes room. */
interface StyledCell {
  readonly text: string;
  readonly style: (text: string) => string;
}

export type Cell = string | StyledCell;

/**
 * A table as kubectl prints one: a header in capitals, columns as wide as their widest cell, nothing at line ends. With a
 * width the widest columns give way, each down to its header, and what of a cell finds no room ends in ….
 */
export function textTable(header: readonly string[], rows: readonly (readonly Cell[])[], width?: number): string {
  const lines = [header, ...rows].map((row) => row.map(toStyled));
  // Without spreading: a call takes fewer arguments than large clusters have lines.
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

/** Of a name: enough to tell it from others. */
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
