// SPDX-License-Identifier: Apache-2.0
import type { Figure, Measurement } from './figure.ts';

/** A figure of two runs. One of them is missing if only one run has a figure with this title. */
export interface Comparison {
  readonly now?: Figure;
  readonly before?: Figure;
  readonly verdict: Verdict;
}

/**
 * The result of a comparison:
 *
 * - `better` and `worse`: the values differ beyond the noise of both runs.
 * - `within the noise`: the ranges of the two values overlap.
 * - `noise unknown`: the values differ, but one of them was computed from a single sample.
 * - `different units`: the values cannot be compared.
 * - `not in FILE` and `not measured now`: only one of the runs has the figure.
 */
export type Verdict =
  | 'better'
  | 'worse'
  | 'within the noise'
  | 'noise unknown'
  | 'different units'
  | 'not in FILE'
  | 'not measured now';

/**
 * Compares the figures of a run with those of an earlier run by their titles. Returns the figures of the run in its
 * order, followed by those that only the earlier run has.
 */
export function compareRuns(before: readonly Figure[], now: readonly Figure[]): readonly Comparison[] {
  const earlier = new Map(before.map((figure) => [figure.title, figure]));
  const titles = new Set(now.map(({ title }) => title));
  return [
    ...now.map((figure): Comparison => {
      const old = earlier.get(figure.title);
      if (old === undefined) return { now: figure, verdict: 'not in FILE' };
      return { now: figure, before: old, verdict: judge(old, figure) };
    }),
    ...before
      .filter(({ title }) => !titles.has(title))
      .map((figure): Comparison => ({ before: figure, verdict: 'not measured now' })),
  ];
}

/** Returns by how much a value changed. A value that became twice as large returns 1. */
export function changeOf({ value: before }: Measurement, { value: now }: Measurement): number | undefined {
  return before === 0 ? undefined : (now - before) / before;
}

function judge(before: Figure, now: Figure): Verdict {
  if (before.unit !== now.unit) return 'different units';
  if (before.value === now.value) return 'within the noise';
  if (before.range === undefined || now.range === undefined) return 'noise unknown';
  if (before.range.low <= now.range.high && now.range.low <= before.range.high) return 'within the noise';
  return now.value > before.value === isMoreBetter(now) ? 'better' : 'worse';
}

/** Returns whether a higher value is better. It is for rates. All other figures are times, sizes and counts. */
function isMoreBetter({ unit }: Figure): boolean {
  return unit === 'per second';
}
