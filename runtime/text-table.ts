// SPDX-License-Identifier: Apache-2.0
import { printable } from './printable.ts';

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
