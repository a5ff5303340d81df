// SPDX-License-Identifier: Apache-2.0

export type Unit = 'ms' | 'bytes' | 'messages' | 'writes' | 'per second';

/** What the design asks for: the value in the figure's own unit, or its ratio to what is measured beside it. */
export type Reach =
  | { readonly valueAtMost: number }
  | { readonly valueAtLeast: number }
  | { readonly ratioAtMost: number };

/** One line of the table. */
export interface Figure {
  /** @example 'Allocate, fresh link, p50' */
  readonly title: string;
  readonly unit: Unit;
  readonly value: number;
  /** How many samples the value was made of. */
  readonly count: number;
  /** Measured in the same run, in turn with the figure. */
  readonly beside?: { readonly title: string; readonly value: number; readonly count: number };
  /** Absent where the design names no figure. */
  readonly reach?: Reach;
}

export function ratioOf({ value, beside }: Figure): number | undefined {
  return beside === undefined ? undefined : value / beside.value;
}

/** Undefined where there is nothing to reach. */
export function isMet(figure: Figure): boolean | undefined {
  const { value, reach } = figure;
  if (reach === undefined) return undefined;
  if ('valueAtMost' in reach) return value <= reach.valueAtMost;
  if ('valueAtLeast' in reach) return value >= reach.valueAtLeast;
  const ratio = ratioOf(figure);
  return ratio !== undefined && ratio <= reach.ratioAtMost;
}
