// SPDX-License-Identifier: Apache-2.0
import { fitText, isNarrow, textWidth } from './fit-text.ts';

/** The smallest that is read without effort at a picture's own size; nothing is smaller. */
export const textSize = 12;

export interface TextOptions {
  readonly x: number;
  /** Of the line on which it stands. */
  readonly y: number;
  /** What it may take. */
  readonly width: number;
  readonly fill: string;
  readonly size?: number;
  readonly isBold?: boolean;
  readonly isAtEnd?: boolean;
}

/** A text that stays within its width; where it is cut, the whole of it is shown on pointing at it. */
export function text(content: string, options: TextOptions): string {
  const { x, y, width, fill, size = textSize, isBold = false, isAtEnd = false } = options;
  const shown = fitText(content, size, width);
  // No font's own idea of a strange character makes it wider than it was measured.
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

/** A box with what stands in it. */
export function box({ x, y, width, height, fill, stroke, strokeWidth = 1 }: BoxOptions, ...inside: string[]): string {
  const attributes = { x, y, width, height, rx: 5, fill, stroke, 'stroke-width': strokeWidth };
  return `<g class="box"><rect ${attributesOf(attributes)}/>${inside.join('')}</g>`;
}

export function bar(x: number, y: number, width: number, fill: string): string {
  return `<rect ${attributesOf({ x: round(x), y: round(y), width: round(width), height: 4, rx: 2, fill })}/>`;
}

/** From the right of one thing to the left of another, bent once. */
export function connection(x1: number, y1: number, x2: number, y2: number, stroke: string): string {
  const middle = (x1 + x2) / 2;
  const d = `M${x1} ${round(y1)}C${middle} ${round(y1)} ${middle} ${round(y2)} ${x2} ${round(y2)}`;
  return `<path ${attributesOf({ d, fill: 'none', stroke, 'stroke-width': 1.5 })}/>`;
}

/** For the text of an element and the value of an attribute; XML has no control characters, escaped or not. */
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
