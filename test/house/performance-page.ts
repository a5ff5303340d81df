// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { isMet } from '../bench/figure.ts';
import { describeFigure } from '../bench/render-figures.ts';
import { type Run, readRun } from '../bench/saved-run.ts';
import { root } from './source-files.ts';

export const performancePage = 'docs/reference/performance.md';
export const runFile = 'docs/reference/performance.json';

/** The heading of the section with the reasons for missed limits. */
const reasonsHeading = '## Missed limits';

/** Reads the saved run. Throws if the file contains something else. */
export function readSavedRun(): Run {
  const read = readRun(readFileSync(`${root}${runFile}`, 'utf8'));
  if ('fault' in read) throw new Error(`${runFile}: ${read.fault}`);
  return read.run;
}

/** Renders the table of the machine. Its first column has the title `machine`. */
export function renderMachineTable({ date, machine }: Run): string {
  const { processors, model, memoryBytes, kernel, node } = machine;
  return renderTable([
    ['machine', 'of the run'],
    ['day', date],
    ['processors', `${processors} × ${model}`],
    ['memory', `${(memoryBytes / 1e9).toFixed(0)} GB`],
    ['kernel', kernel],
    ['Node.js', node],
  ]);
}

/** Renders the table of all figures. Its first column has the title `figure`. */
export function renderFigureTable({ figures }: Run): string {
  return renderTable([
    ['figure', 'measured', 'compared with', 'ratio', 'limit', 'reached'],
    ...figures.map(describeFigure),
  ]);
}

/** Returns the titles of the figures that miss their limit. */
export function missedTitles({ figures }: Run): readonly string[] {
  return figures.filter((figure) => isMet(figure) === false).map(({ title }) => title);
}

/** Returns the titles for which the page has a reason: those in bold type in its section of reasons. */
export function explainedTitles(page: string): readonly string[] {
  const [, section = ''] = page.split(`${reasonsHeading}\n`);
  const [reasons = ''] = section.split(/^## /m);
  return [...reasons.matchAll(/\*\*(.+?)\*\*/gs)].map(([, title = '']) => title.replaceAll(/\s+/g, ' '));
}

/** Renders a Markdown table. Each column is as wide as its widest cell. */
function renderTable(lines: readonly (readonly string[])[]): string {
  const [head = [], ...rows] = lines.map((line) => line.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((line) => (line[column] ?? '').length)));
  const render = (line: readonly string[]) =>
    `| ${widths.map((width, column) => (line[column] ?? '').padEnd(width)).join(' | ')} |\n`;
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(render).join('');
}
