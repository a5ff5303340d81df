// SPDX-License-Identifier: Apache-2.0

/**
 * Characters that a terminal obeys or hides: control and format characters, line and paragraph separators, and lone
 * surrogates. Some format characters change the direction of a text.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** The same characters, except for line ends, tabs, and the colours that the programs and their logger write. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern finds control characters.
const hiddenInLines = /(?![\n\t])(?!\u001b\[(?:0|2|22|[349]\d)m)[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/**
 * Makes a text from outside safe for a terminal. Characters that a terminal obeys or hides are escaped as in a JSON
 * string.
 *
 * @example 'eth0\u202e' becomes 'eth0\\u202e'
 */
export function printable(text: string): string {
  return text.replaceAll(hidden, writeOut);
}

/** Makes a whole output safe for a terminal, and keeps its lines and colours. */
export function printableLines(text: string): string {
  return text.replaceAll(hiddenInLines, writeOut);
}

/** Returns whether `printable` would change the text. */
export function hasHidden(text: string): boolean {
  return text.search(hidden) >= 0;
}

function writeOut(character: string): string {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
