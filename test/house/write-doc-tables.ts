// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { docTables, findTable, rowPattern } from './doc-tables.ts';
import { root } from './source-files.ts';

// Part of `npm run generate`: writes the rows of the tables in docs/ anew, each as wide as its widest.
for (const { page, title, rows } of docTables) {
  const text = readFileSync(`${root}${page}`, 'utf8');
  const table = findTable(text, { page, title });
  const header = (table.split('\n')[0] as string).split('|').map((cell) => cell.trim());
  const cells = Object.entries(rows).map(([name, meaning]) => [`\`${name}\``, meaning] as const);
  const lines = [[header[1] as string, header[2] as string] as const, ...cells];
  const widths = [0, 1].map((column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  const line = ([left, right]: readonly [string, string]) =>
    `| ${left.padEnd(widths[0] as number)} | ${right.padEnd(widths[1] as number)} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const written = [line(lines[0] as readonly [string, string]), rule, ...cells.map(line)].join('\n');
  const before = table.replaceAll(rowPattern, '');
  if (before.includes('`')) throw new Error(`${page}: the table has rows of another form`);
  writeFileSync(
    `${root}${page}`,
    text.replace(table, () => `${written}\n`),
  );
}
