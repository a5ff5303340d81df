// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from './plan/natural-order.ts';

/** As many as still help a person choose. */
const maxNames = 3;

/** Slips are few: a third of what was typed, and never more than this. */
const maxSlips = 3;

/** Names of interfaces, keys and resources are shorter; what is longer is no slip of one. */
const maxLength = 64;

/**
 * The names that somebody most likely meant, nearest first: at most three, and at most a third of the letters away (one at
 * least, three at most), counting a letter left out, added, replaced or swapped with its neighbour as one slip. Upper and lower case are alike.
 *
 * @example nearestNames('datapalne', ['dataplane', 'storage']) is ['dataplane']
 */
export function nearestNames(wanted: string, names: readonly string[]): readonly string[] {
  if (wanted.length > maxLength + maxSlips) return [];
  const folded = wanted.toLowerCase();
  const limit = Math.max(1, Math.min(maxSlips, Math.floor(wanted.length / 3)));
  return names
    .filter((name) => name.length <= maxLength && Math.abs(name.length - wanted.length) <= limit)
    .map((name) => ({ name, slips: countSlips(folded, name.toLowerCase(), limit) }))
    .filter(({ slips }) => slips <= limit)
    .sort((left, right) => left.slips - right.slips || compareNatural(left.name, right.name))
    .slice(0, maxNames)
    .map(({ name }) => name);
}

/**
 * The optimal string alignment distance: how many slips lead from one text to the other. Of the table only the band near
 * the diagonal is filled, for what is further from it is above the limit; a row that is above it as a whole ends it.
 * Source: Damerau, A technique for computer detection and correction of spelling errors (1964); the band: Ukkonen,
 * Algorithms for approximate string matching (1985).
 */
function countSlips(left: string, right: string, limit: number): number {
  const width = right.length + 1;
  const table = new Uint8Array((left.length + 1) * width).fill(limit + 1);
  for (let column = 0; column < width && column <= limit; column += 1) table[column] = column;
  for (let row = 1; row <= left.length; row += 1) {
    if (row <= limit) table[row * width] = row;
    let least = row;
    for (let column = Math.max(1, row - limit); column < width && column <= row + limit; column += 1) {
      const slips = cheapest(left, right, row, column, table);
      table[row * width + column] = slips;
      least = Math.min(least, slips);
    }
    if (least > limit) return least;
  }
  return at(table, table.length - 1);
}

/** The least that leads to a cell: a letter replaced or the same, added, left out, or swapped with its neighbour. */
function cheapest(left: string, right: string, row: number, column: number, table: Uint8Array): number {
  const width = right.length + 1;
  const cell = row * width + column;
  const same = left[row - 1] === right[column - 1];
  const slips = Math.min(
    at(table, cell - width - 1) + (same ? 0 : 1),
    at(table, cell - 1) + 1,
    at(table, cell - width) + 1,
  );
  const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
  return swapped ? Math.min(slips, at(table, cell - 2 * width - 2) + 1) : slips;
}

/** A cell that is there: the band does not leave the table. */
function at(table: Uint8Array, cell: number): number {
  return table[cell] as number;
}
