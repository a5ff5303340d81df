// SPDX-License-Identifier: Apache-2.0
import { textTable } from '../../runtime/text-table.ts';
import { type Figure, isMet, type Reach, ratioOf, type Unit } from './figure.ts';

/** Renders one line for each figure. A missed limit shows `no`. */
export function renderTable(figures: readonly Figure[]): string {
  return textTable(['ROW', 'MEASURED', 'BESIDE', 'RATIO', 'REACH', 'MET'], figures.map(cellsOf));
}

/** Renders the figures for a script: numbers in the figure's unit, with the computed ratio and verdict. */
export function renderJSON(figures: readonly Figure[]): string {
  return JSON.stringify(
    figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), met: isMet(figure) })),
    null,
    2,
  );
}

function cellsOf(figure: Figure): readonly string[] {
  const { title, value, unit, count, beside, reach } = figure;
  const ratio = ratioOf(figure);
  const met = isMet(figure);
  return [
    title,
    `${formatValue(value, unit)} (n=${count})`,
    beside === undefined ? '-' : `${formatValue(beside.value, unit)} ${beside.title} (n=${beside.count})`,
    ratio === undefined ? '-' : `${formatNumber(ratio)}×`,
    reach === undefined ? '-' : formatReach(reach, unit),
    met === undefined ? '-' : met ? 'yes' : 'no',
  ];
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
