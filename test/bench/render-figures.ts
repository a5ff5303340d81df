// SPDX-License-Identifier: Apache-2.0
import { textTable } from '../../runtime/terminal-text.ts';
import { type Comparison, changeOf, compareRuns } from './compare-runs.ts';
import { type Figure, isMet, type Reach, ratioOf, type Unit } from './figure.ts';
import type { Run } from './saved-run.ts';

const header = ['FIGURE', 'MEASURED', 'COMPARED WITH', 'RATIO', 'LIMIT', 'MET'];

/** Renders one line for each figure. A missed limit shows `no`. */
export function renderTable(figures: readonly Figure[]): string {
  return textTable(header, figures.map(cellsOf));
}

/**
 * Renders the same table with two more columns: the value of an earlier run, and the change since then. Figures that
 * only the earlier run has follow at the end.
 */
export function renderComparison(before: readonly Figure[], now: readonly Figure[]): string {
  const lines = compareRuns(before, now).map((comparison) => [
    ...(comparison.now === undefined
      ? [comparison.before?.title ?? '', ...header.slice(1).map(() => '-')]
      : cellsOf(comparison.now)),
    comparison.before === undefined ? '-' : describeValue(comparison.before),
    describeChange(comparison),
  ]);
  return textTable([...header, 'BEFORE', 'CHANGE'], lines);
}

/** Returns the last line of a run: how many limits are met and missed. @example '7 of 9 limits are met, 2 missed' */
export function countLine({ figures, failures }: Pick<Run, 'figures' | 'failures'>): string {
  const verdicts = figures.map(isMet).filter((met) => met !== undefined);
  const met = verdicts.filter(Boolean).length;
  const unmeasured = failures.length === 0 ? '' : `; ${failures.length} rows could not be measured`;
  return `${met} of ${verdicts.length} limits are met, ${verdicts.length - met} missed${unmeasured}`;
}

function cellsOf(figure: Figure): readonly string[] {
  const [title = '', measured, beside, ...verdicts] = describeFigure(figure);
  return [
    title,
    `${measured} (n=${figure.count})`,
    figure.beside === undefined ? '-' : `${beside} (n=${figure.beside.count})`,
    ...verdicts,
  ];
}

/** Returns the texts of a figure: title, value, comparison, ratio, limit and whether it is met. */
export function describeFigure(figure: Figure): readonly string[] {
  const { title, value, unit, beside, reach } = figure;
  const ratio = ratioOf(figure);
  const met = isMet(figure);
  return [
    title,
    formatValue(value, unit),
    beside === undefined ? '-' : `${formatValue(beside.value, unit)} ${beside.title}`,
    ratio === undefined ? '-' : `${formatNumber(ratio)}×`,
    reach === undefined ? '-' : formatReach(reach, unit),
    met === undefined ? '-' : met ? 'yes' : 'no',
  ];
}

/** @example '3.00 ms, 1.50×' */
function describeValue(figure: Figure): string {
  const ratio = ratioOf(figure);
  return `${formatValue(figure.value, figure.unit)}${ratio === undefined ? '' : `, ${formatNumber(ratio)}×`}`;
}

/** @example '-25 %, better' */
function describeChange({ before, now, verdict }: Comparison): string {
  const change = before === undefined || now === undefined ? undefined : changeOf(before, now);
  if (change === undefined || verdict === 'different units') return verdict;
  const percent = Math.round(change * 100);
  return `${percent > 0 ? '+' : ''}${percent} %, ${verdict}`;
}

function formatReach(reach: Reach, unit: Unit): string {
  if ('ratioAtMost' in reach) return `≤ ${reach.ratioAtMost}×`;
  if ('ratioAtLeast' in reach) return `≥ ${reach.ratioAtLeast}×`;
  return 'valueAtMost' in reach
    ? `≤ ${formatLimit(reach.valueAtMost, unit)}`
    : `≥ ${formatLimit(reach.valueAtLeast, unit)}`;
}

function formatValue(value: number, unit: Unit): string {
  if (unit === 'messages' || unit === 'writes') return `${value} ${unit}`;
  if (unit === 'ms') return `${formatNumber(value)} ms`;
  if (unit === 'per second') return `${formatRate(value)}/s`;
  const [scaled, name] = scaleBytes(value);
  return `${formatNumber(scaled)} ${name}`;
}

/** Formats a limit. Limits are round, and shown as the design writes them. */
function formatLimit(value: number, unit: Unit): string {
  if (unit === 'per second') return `${formatRate(value)}/s`;
  const [scaled, name] = unit === 'bytes' ? scaleBytes(value) : [value, unit];
  return `${scaled} ${name}`;
}

/** Scales bytes by decimal units, as in the design: 100 KB are 100,000 bytes. */
function scaleBytes(bytes: number): readonly [number, string] {
  if (bytes >= 1_000_000) return [bytes / 1_000_000, 'MB'];
  return bytes >= 1_000 ? [bytes / 1_000, 'KB'] : [bytes, 'B'];
}

/** Formats a rate with separated thousands, because a rate per second has many digits. */
function formatRate(value: number): string {
  return value < 1_000 ? formatNumber(value) : Math.round(value).toLocaleString('en-US');
}

/** Formats a number with about three significant digits. */
function formatNumber(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 0.1 ? 2 : 3);
}
