// SPDX-License-Identifier: Apache-2.0
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { isJsonObject } from '../../policy/json.ts';
import { type Figure, isMet, type Measurement, ratioOf } from './figure.ts';

/** A figure, and the row that measured it. */
export interface RowFigure extends Figure {
  /** The name for --only. */
  readonly row: string;
}

/** The result of a run, as `npm run bench -- --json` prints it. */
export interface Run {
  /** The day of the run. @example '2026-11-30' */
  readonly date: string;
  readonly machine: Machine;
  readonly figures: readonly RowFigure[];
  /** The rows that could not be measured, with the reasons. */
  readonly failures: readonly string[];
}

/** The facts about a machine on which figures depend. */
export interface Machine {
  readonly processors: number;
  /** @example 'AMD EPYC 7B13' */
  readonly model: string;
  readonly memoryBytes: number;
  /** @example 'Linux 6.18.5 x64' */
  readonly kernel: string;
  readonly node: string;
}

export function thisMachine(): Machine {
  return {
    processors: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? 'unknown',
    memoryBytes: totalmem(),
    kernel: `Linux ${release()} ${process.arch}`,
    node: process.version,
  };
}

/**
 * Renders a run for a script: numbers in each figure's unit, with the computed ratio and verdict. Numbers have six
 * digits, which is far more than the noise allows.
 */
export function renderRun(run: Run): string {
  const figures = run.figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), met: isMet(figure) }));
  const round = (_: string, value: unknown) => (isFraction(value) ? Number(value.toPrecision(6)) : value);
  return JSON.stringify({ ...run, figures }, round, 2);
}

function isFraction(value: unknown): value is number {
  return typeof value === 'number' && !Number.isInteger(value);
}

/** Reads a run that was printed earlier. Returns the reason if the text is something else. */
export function readRun(text: string): { readonly run: Run } | { readonly fault: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return { fault: `it is not JSON: ${(thrown as Error).message}` };
  }
  if (!isJsonObject(value) || !Array.isArray(value.figures)) return { fault: 'it has no list of figures' };
  const at = value.figures.findIndex((figure) => !isFigure(figure));
  if (at >= 0) return { fault: `figures[${at}] has no title, unit, value and count` };
  const { date = 'unknown', machine = {}, figures, failures = [] } = value;
  return { run: { date, machine, figures, failures } as unknown as Run };
}

function isFigure(value: unknown): boolean {
  if (!isMeasurement(value)) return false;
  const { title, unit, beside } = value as unknown as Readonly<Record<string, unknown>>;
  return typeof title === 'string' && typeof unit === 'string' && (beside === undefined || isMeasurement(beside));
}

function isMeasurement(value: unknown): value is Measurement {
  if (!isJsonObject(value) || typeof value.value !== 'number' || typeof value.count !== 'number') return false;
  const { range } = value;
  return (
    range === undefined || (isJsonObject(range) && typeof range.low === 'number' && typeof range.high === 'number')
  );
}
