// SPDX-License-Identifier: Apache-2.0
import { printable } from '../../runtime/text-table.ts';

/**
 * The advance of a character of the fonts that a picture asks for, in ems: DejaVu Sans Mono and Menlo have 0.602, Courier
 * 0.600, Consolas 0.550. What is no Latin letter is as wide as two at most.
 */
const advance = 0.605;

/** How wide a text becomes, in pixels. */
export function textWidth(text: string, size: number): number {
  return [...text].reduce((sum, character) => sum + (isNarrow(character) ? 1 : 2), 0) * advance * size;
}

/** A text as it is shown where there is so much room: what finds none ends in …. */
export function fitText(text: string, size: number, width: number): string {
  const whole = printable(text.toWellFormed());
  if (textWidth(whole, size) <= width) return whole;
  let shown = '';
  for (const character of whole) {
    if (textWidth(`${shown}${character}…`, size) > width) break;
    shown += character;
  }
  return `${shown}…`;
}

/** A text in lines, broken between words where that is possible; the last of so many holds what is left, or its begin. */
export function wrapText(text: string, size: number, width: number, most: number): readonly string[] {
  const lines = [''];
  for (const word of printable(text).split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (textWidth(longer, size) <= width || lines.at(-1) === '' || lines.length === most)
      lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

export function isNarrow(character: string): boolean {
  return /^[\u0020-\u024f…]$/u.test(character);
}
