// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { docTables, findTable, readRows, rowsOfCode } from './doc-tables.ts';
import { root } from './source-files.ts';

// Part of `npm run generate`: rewrites the rows of the tables in docs/. Each column is as wide as its widest cell.
for (const table of docTables) {
  const text = readFileSync(`${root}${table.page}`, 'utf8');
  const before = findTable(text, table);
  const { others } = readRows(before);
  if (others.length > 0) throw new Error(`${table.page}: the table has rows of another form`);
  const head = (before.split('\n')[0] as string).split('|').map((cell) => cell.trim());
  const columns = table.fixes === undefined ? 2 : 3;
  const titles = [head[1] as string, head[2] as string, 'fix'].slice(0, columns);
  const rows = rowsOfCode(table).map(({ name, text: meaning, fix = '', anchor }) =>
    [`${anchor === undefined ? '' : `<a id="${anchor}"></a>`}\`${name}\``, meaning, fix].slice(0, columns),
  );
  const lines = [titles, ...rows];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const write = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |\n`;
  const after = [titles, widths.map((width) => '-'.repeat(width)), ...rows].map(write).join('');
  writeFileSync(
    `${root}${table.page}`,
    text.replace(before, () => after),
  );
}
