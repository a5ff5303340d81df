// SPDX-License-Identifier: Apache-2.0
/** The maximum number of names to suggest. */
const maxNames = 3;

/**
 * The maximum number of slips in a suggested name; see nearestNames. For short names, the limit is a third of their
 * letters.
 */
const maxSlips = 3;

/** The length of the longest name that is suggested. Almost all names of interfaces, keys and resources are shorter. */
const maxLength = 64;

/** The work left for searching similar names. All searches for one answer share a budget. */
export interface SearchBudget {
  left: number;
}

/**
 * The usual budget. One unit is one cell of the table in `countSlips`; each compared name also costs one unit. The
 * budget is enough to search ten unknown names among 300 typical names. A malicious node can report very long names
 * that differ only at the end. Then the search stops after about 200 of them.
 *
 * An admission request runs each rule at most four times: mutation and validation, each for the new and the old object.
 * Each run has a separate budget, so all runs find the same names.
 */
const usualBudget = 100_000;

export function createSearchBudget(): SearchBudget {
  return { left: usualBudget };
}

/**
 * Returns the names that the author most likely meant: at most three, nearest first. Case is ignored.
 *
 * A letter left out, added, replaced or swapped with its neighbour is one slip. The maximum number of slips is a third
 * of the wanted name's length, but at least one and at most three. When the budget is used up, the search stops and may
 * miss some names.
 *
 * @example nearestNames('datapalne', ['dataplane', 'storage']) is ['dataplane']
 */
export function nearestNames(
  wanted: string,
  names: Iterable<string>,
  budget: SearchBudget = createSearchBudget(),
): readonly string[] {
  if (wanted.length > maxLength + maxSlips) return [];
  const folded = wanted.toLowerCase();
  const limit = Math.max(1, Math.min(maxSlips, Math.floor(wanted.length / 3)));
  const near: { readonly name: string; readonly slips: number }[] = [];
  for (const name of names) {
    if (budget.left <= 0) break;
    budget.left -= 1;
    if (name.length > maxLength || Math.abs(name.length - wanted.length) > limit) continue;
    const slips = countSlips(folded, name.toLowerCase(), limit, budget);
    if (slips <= limit) near.push({ name, slips });
  }
  return near
    .sort((left, right) => left.slips - right.slips || compareNatural(left.name, right.name))
    .slice(0, maxNames)
    .map(({ name }) => name);
}

/**
 * Computes the optimal string alignment distance: the number of slips between two texts. Only a band of cells near the
 * diagonal is filled, because all other cells exceed the limit. The computation stops at a row whose cells all exceed
 * the limit.
 *
 * Sources: Damerau, A technique for computer detection and correction of spelling errors (1964); for the band, Ukkonen,
 * Algorithms for approximate string matching (1985).
 */
function countSlips(left: string, right: string, limit: number, budget: SearchBudget): number {
  const width = right.length + 1;
  const table = new Uint8Array((left.length + 1) * width).fill(limit + 1);
  for (let column = 0; column < width && column <= limit; column += 1) table[column] = column;
  for (let row = 1; row <= left.length; row += 1) {
    if (row <= limit) table[row * width] = row;
    let least = row;
    budget.left -= 2 * limit + 1;
    for (let column = Math.max(1, row - limit); column < width && column <= row + limit; column += 1) {
      const slips = cheapest(left, right, row, column, table);
      table[row * width + column] = slips;
      least = Math.min(least, slips);
    }
    if (least > limit) return least;
  }
  return at(table, table.length - 1);
}

/**
 * Returns the fewest slips that lead to a cell. There are five cases: the letter is the same, replaced, added, left
 * out, or swapped with its neighbour.
 */
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

/** Returns the value of a cell. The cell exists, because the band stays inside the table. */
function at(table: Uint8Array, cell: number): number {
  return table[cell] as number;
}

/**
 * Orders names by the numbers in them: ens2 before ens10. Names with equal numbers (ens2, ens02) are compared by their
 * characters. So the order is total, and sorting gives the same result for any order of the input.
 */
export function compareNatural(left: string, right: string): number {
  return compareAtDifference(left, right) ?? compareSplit(left, right);
}

/**
 * Compares two names at their first different character, without splitting them. This is most of the work of sorting
 * the interfaces of thousands of nodes. Returns undefined if this character does not decide the order. This happens at
 * the end of a name, at the start of a number, and in a number with a leading zero.
 */
function compareAtDifference(left: string, right: string): number | undefined {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  if (at >= left.length || at >= right.length) return undefined;
  if (!isDigit(left, at) && !isDigit(right, at)) return compareText(left[at] as string, right[at] as string);
  let start = at;
  while (start > 0 && isDigit(left, start - 1)) start -= 1;
  const isPlain = isDigit(left, start) && isDigit(right, start) && left[start] !== '0' && right[start] !== '0';
  if (!isPlain) return undefined;
  const digits = digitsFrom(left, at) - digitsFrom(right, at);
  return digits === 0 ? compareText(left[at] as string, right[at] as string) : digits;
}

function digitsFrom(text: string, start: number): number {
  let end = start;
  while (isDigit(text, end)) end += 1;
  return end - start;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** Splits both names into numbers and texts, and compares these parts. */
export function compareSplit(left: string, right: string): number {
  const leftParts = left.match(/\d+|\D+/g) ?? [];
  const rightParts = right.match(/\d+|\D+/g) ?? [];
  for (let index = 0; index < Math.min(leftParts.length, rightParts.length); index += 1) {
    const order = compareParts(leftParts[index] as string, rightParts[index] as string);
    if (order !== 0) return order;
  }
  return leftParts.length - rightParts.length || compareText(left, right);
}

/** Orders texts by UTF-16 code units. Unlike a locale's order, this order is the same on every machine. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * Compares two parts as numbers if both are numbers, or else as text. Numbers can have any length: without leading
 * zeros, the longer one is greater.
 */
function compareParts(left: string, right: string): number {
  if (!/^\d/.test(left) || !/^\d/.test(right)) return compareText(left, right);
  const leftDigits = left.replace(/^0+(?=\d)/, '');
  const rightDigits = right.replace(/^0+(?=\d)/, '');
  return leftDigits.length - rightDigits.length || compareText(leftDigits, rightDigits);
}
