// SPDX-License-Identifier: Apache-2.0
import { type ReasonCode, type Verdict, warn } from '../reasons.ts';

/** The most characters of a warning: kubectl and the API server cut what is longer. */
const maxChars = 256;

/** How many names stand for all of a list, and how much of each. */
const shownNames = 3;
const shownChars = 32;

/** `3 nodes`, `1 node`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `h1, h2, h3, ...`: the first names of a list that may be long, each cut to 32 characters. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, shownNames).map((name) => clip(name, shownChars));
  return [...shown, ...(names.length > shown.length ? ['...'] : [])].join(', ');
}

/** `3 nodes: h1, h2, h3`: the number is what counts, and so comes before what may be cut. */
export function countNodes(names: readonly string[]): string {
  return `${count(names.length, 'node')}: ${listNames(names)}`;
}

/**
 * A warning that is told in full, as `code path: reason (detail)`, and so has a detail as long as the rest leaves room
 * for: what it is told for stands first in it, names that may be many or long last.
 */
export function warnBriefly(code: ReasonCode, path: string, detail: string): Verdict {
  const verdict = warn(code, path, detail);
  const room = maxChars - `${code} ${path}: ${verdict.reason} ()`.length;
  return { ...verdict, detail: clip(detail, room) };
}

/** A text of at most so many characters, its end cut off where it is longer. */
export function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 3).toWellFormed()}...`;
}
