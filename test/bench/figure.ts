// SPDX-License-Identifier: Apache-2.0
import { percentile } from './percentile.ts';

export type Unit = 'ms' | 'bytes' | 'messages' | 'writes' | 'per second';

/** The design's limit. It is a value in the figure's own unit, or a ratio to the value of `beside`. */
export type Reach =
  | { readonly valueAtMost: number }
  | { readonly valueAtLeast: number }
  | { readonly ratioAtMost: number }
  | { readonly ratioAtLeast: number };

/** A value that was computed from samples. */
export interface Measurement {
  readonly value: number;
  /** The number of samples from which the value was computed. */
  readonly count: number;
  /** The noise of the value. Absent if there is only one sample. */
  readonly range?: Range;
}

/**
 * The noise of a value: its smallest and its largest value if only a part of the run is considered. Values of two runs
 * differ beyond the noise if their ranges do not overlap.
 */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** One line of the table. */
export interface Figure extends Measurement {
  /** @example 'Allocate, fresh link, p50' */
  readonly title: string;
  readonly unit: Unit;
  /** A value for comparison, which was measured in the same run, alternating with the figure. */
  readonly beside?: Measurement & { readonly title: string };
  /** The limit; absent if the design has none. */
  readonly reach?: Reach;
}

/** The number of consecutive parts of a run that are compared with each other to find the noise. */
const parts = 5;

/**
 * Returns the percentile of samples with its noise. The samples must be in the order in which they were taken, because
 * the noise is the difference between consecutive parts of the run. With at most five samples, each is a part.
 */
export function measurement(samples: readonly number[], share: number): Measurement {
  const [value, count] = [percentile(samples, share), samples.length];
  if (count === 1) return { value, count };
  const partCount = Math.min(parts, count);
  const start = (part: number) => Math.floor((part * count) / partCount);
  const values = Array.from({ length: partCount }, (_, part) =>
    percentile(samples.slice(start(part), start(part + 1)), share),
  );
  return { value, count, range: { low: Math.min(value, ...values), high: Math.max(value, ...values) } };
}

/** Returns a figure of milliseconds and its comparison, both at the same percentile. `reachMs` is the limit. */
export function compareMs(
  title: string,
  share: number,
  samples: readonly number[],
  besideTitle: string,
  besides: readonly number[],
  reachMs?: number,
): Figure {
  return {
    title,
    unit: 'ms',
    ...measurement(samples, share),
    beside: { title: besideTitle, ...measurement(besides, share) },
    ...(reachMs !== undefined && { reach: { valueAtMost: reachMs } }),
  };
}

export function ratioOf({ value, beside }: Figure): number | undefined {
  return beside === undefined ? undefined : value / beside.value;
}

/** Returns whether the limit is met, or undefined if there is none. */
export function isMet(figure: Figure): boolean | undefined {
  const { value, reach } = figure;
  if (reach === undefined) return undefined;
  if ('valueAtMost' in reach) return value <= reach.valueAtMost;
  if ('valueAtLeast' in reach) return value >= reach.valueAtLeast;
  const ratio = ratioOf(figure);
  if (ratio === undefined) return false;
  return 'ratioAtMost' in reach ? ratio <= reach.ratioAtMost : ratio >= reach.ratioAtLeast;
}
