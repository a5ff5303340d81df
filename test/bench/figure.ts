// SPDX-License-Identifier: Apache-2.0

export type Unit = 'ms' | 'bytes' | 'messages' | 'writes' | 'per second';

/** The design's limit. It is a value in the figure's own unit, or a ratio to the value of `beside`. */
export type Reach =
  | { readonly valueAtMost: number }
  | { readonly valueAtLeast: number }
  | { readonly ratioAtMost: number }
  | { readonly ratioAtLeast: number };

/** One line of the table. */
export interface Figure {
  /** @example 'Allocate, fresh link, p50' */
  readonly title: string;
  readonly unit: Unit;
  readonly value: number;
  /** The number of samples from which the value was computed. */
  readonly count: number;
  /** A value for comparison, which was measured in the same run, alternating with the figure. */
  readonly beside?: { readonly title: string; readonly value: number; readonly count: number };
  /** The limit; absent if the design has none. */
  readonly reach?: Reach;
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
