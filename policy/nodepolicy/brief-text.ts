// SPDX-License-Identifier: Apache-2.0

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
export function listNames(names: readonly string[], total = names.length): string {
  const shown = names.slice(0, shownNames).map((name) => clip(name, shownChars));
  return [...shown, ...(total > shown.length ? ['...'] : [])].join(', ');
}

/** `3 nodes (h1, h2, h3)`; the names may be fewer than the nodes are. */
export function countNodes(names: readonly string[], total = names.length): string {
  return `${count(total, 'node')} (${listNames(names, total)})`;
}

/** A text of at most so many characters, its end cut off where it is longer. */
export function clip(text: string, limit = maxChars): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 3).toWellFormed()}...`;
}
