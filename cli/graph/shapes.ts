// SPDX-License-Identifier: Apache-2.0

import { printable } from '../../runtime/terminal-text.ts';
import type { GraphTone } from './build-graph.ts';

/**
 * The colours of text. Each has a contrast of at least 4.5:1 on every background where it is used (WCAG 2.1, 1.4.3).
 */
export const ink = { strong: '#1f2328', faint: '#57606a' } as const;

export const paper = {
  page: '#f6f8fa',
  card: '#ffffff',
  parent: '#eef1f4',
  line: '#c4cbd3',
  empty: '#dfe4ea',
} as const;

/** The colours of each tone: text, frame and background. */
export const toneColours: Readonly<
  Record<GraphTone, { readonly ink: string; readonly frame: string; readonly paper: string }>
> = {
  good: { ink: '#116329', frame: '#2da44e', paper: '#f2fbf4' },
  plain: { ink: '#1f2328', frame: '#8c959f', paper: '#ffffff' },
  poor: { ink: '#7d4e00', frame: '#bf8700', paper: '#fff8e5' },
  bad: { ink: '#a40e26', frame: '#cf222e', paper: '#ffebe9' },
};

/** The smallest text size of the picture, in pixels. */
export const textSize = 12;

export interface TextOptions {
  readonly x: number;
  /** The y coordinate of the baseline. */
  readonly y: number;
  /** The available width. Longer text is cut. */
  readonly width: number;
  readonly fill: string;
  readonly size?: number;
  readonly isBold?: boolean;
  readonly isAtEnd?: boolean;
}

/** Draws a text within its width. If the text is cut, a tooltip shows the whole text. */
export function text(content: string, options: TextOptions): string {
  const { x, y, width, fill, size = textSize, isBold = false, isAtEnd = false } = options;
  const shown = fitText(content, size, width);
  // The width of characters outside Latin depends on the font, so text with such characters is stretched to the
  // measured width.
  const length = [...shown].every(isNarrow)
    ? {}
    : { textLength: round(textWidth(shown, size)), lengthAdjust: 'spacingAndGlyphs' };
  const attributes = {
    x: round(x),
    y: round(y),
    fill,
    'font-size': size,
    ...(isBold && { 'font-weight': 'bold' }),
    ...(isAtEnd && { 'text-anchor': 'end' }),
    ...length,
  };
  const whole = shown === content ? '' : `<title>${escapeXML(content)}</title>`;
  return `<text ${attributesOf(attributes)}>${escapeXML(shown)}${whole}</text>`;
}

export interface BoxOptions {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly fill: string;
  readonly stroke: string;
  readonly strokeWidth?: number;
}

/** Draws a box around the given content. */
export function box({ x, y, width, height, fill, stroke, strokeWidth = 1 }: BoxOptions, ...inside: string[]): string {
  const attributes = { x, y, width, height, rx: 5, fill, stroke, 'stroke-width': strokeWidth };
  return `<g class="box"><rect ${attributesOf(attributes)}/>${inside.join('')}</g>`;
}

export function bar(x: number, y: number, width: number, fill: string): string {
  return `<rect ${attributesOf({ x: round(x), y: round(y), width: round(width), height: 4, rx: 2, fill })}/>`;
}

/** Draws a curve from the right edge of one element to the left edge of another. */
export function connection(x1: number, y1: number, x2: number, y2: number, stroke: string): string {
  const middle = (x1 + x2) / 2;
  const d = `M${x1} ${round(y1)}C${middle} ${round(y1)} ${middle} ${round(y2)} ${x2} ${round(y2)}`;
  return `<path ${attributesOf({ d, fill: 'none', stroke, 'stroke-width': 1.5 })}/>`;
}

/**
 * Escapes the text of an element or attribute. Control characters are replaced, because XML does not allow them even if
 * they are escaped.
 */
export function escapeXML(content: string): string {
  return content
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

function attributesOf(attributes: Readonly<Record<string, string | number>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}="${escapeXML(String(value))}"`)
    .join(' ');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/**
 * The width of a character in ems. It fits the fonts of the picture. DejaVu Sans Mono and Menlo have 0.602, Courier
 * 0.600, and Consolas 0.550. A character outside Latin is at most twice as wide.
 */
const advance = 0.605;

/** Returns the width of a text in pixels. */
export function textWidth(text: string, size: number): number {
  return [...text].reduce((sum, character) => sum + (isNarrow(character) ? 1 : 2), 0) * advance * size;
}

/** Cuts a text to a width. Cut text ends in `…`. */
function fitText(text: string, size: number, width: number): string {
  const whole = printable(text.toWellFormed());
  if (textWidth(whole, size) <= width) return whole;
  let shown = '';
  for (const character of whole) {
    if (textWidth(`${shown}${character}…`, size) > width) break;
    shown += character;
  }
  return `${shown}…`;
}

/** Breaks a text between words into at most `most` lines. The last line contains the whole rest. */
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

function isNarrow(character: string): boolean {
  return /^[\u0020-\u024f…]$/u.test(character);
}
