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

/** A table as kubectl prints one: a header in capitals, columns as wide as their widest cell, nothing at line ends. */
export function textTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [header, ...rows].map((row) => row.map(toStyled));
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.text.length ?? 0)));
  return lines.map((line) => renderLine(line, widths)).join('\n');
}

function toStyled(cell: Cell): StyledCell {
  if (typeof cell === 'string') return { text: printable(cell), style: (text) => text };
  return { text: printable(cell.text), style: cell.style };
}

function renderLine(line: readonly StyledCell[], widths: readonly number[]): string {
  const last = line.findLastIndex(({ text }) => text !== '');
  return line
    .slice(0, last + 1)
    .map(({ text, style }, column) => {
      const gap = column === last ? 0 : (widths[column] ?? 0) + 2 - text.length;
      return `${style(text)}${' '.repeat(gap)}`;
    })
    .join('');
}
