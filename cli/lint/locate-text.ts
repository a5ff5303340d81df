// SPDX-License-Identifier: Apache-2.0
import type { WrittenText } from '../../cluster/manifests/parse-documents.ts';

/** What YAML may change of a text when it folds lines or takes indentation away, and nothing else. */
const isSpace = (character: string) => /[ \t\r\n]/.test(character);

/**
 * The line of the file on which a character of a text stands. Folding and indentation change white space alone, so the
 * character is found by how many others that are none come before it; escapes are read as what they mean. Behind the
 * last such character it is that one's line.
 */
export function locateText(written: WrittenText, text: string, offset: number): number {
  let before = 0;
  for (let at = 0; at < offset && at < text.length; at += 1) if (!isSpace(text[at] as string)) before += 1;
  let place = 0;
  for (const at of inkOf(written)) {
    place = at;
    before -= 1;
    if (before < 0) break;
  }
  return written.lineAt(place);
}

/** Where the characters of a text stand in its source, white space left out; one for each UTF-16 code unit. */
function* inkOf({ style, source }: WrittenText): Generator<number> {
  const isQuoted = style === 'single' || style === 'double';
  // The header of a block may end in a comment.
  const start = style === 'block' ? source.indexOf('\n') + 1 : isQuoted ? 1 : 0;
  const end = source.length - (isQuoted ? 1 : 0);
  for (let at = start; at < end; ) {
    const { length, text } = unitAt(source, at, style);
    for (const unit of text.split('')) if (!isSpace(unit)) yield at;
    at += length;
  }
}

/** Source: YAML 1.2.2, sections 5.7 (escapes of double quotes) and 7.3.2 (a single quote is written twice). */
function unitAt(source: string, at: number, style: WrittenText['style']): { length: number; text: string } {
  const character = source[at] as string;
  if (style === 'single' && character === "'") return { length: 2, text: "'" };
  if (style !== 'double' || character !== '\\') return { length: 1, text: character };
  const [, hex] = /^\\(?:x(..)|u(.{4})|U(.{8}))/s.exec(source.slice(at, at + 10))?.filter(Boolean) ?? [];
  if (hex !== undefined) return { length: hex.length + 2, text: String.fromCodePoint(Number.parseInt(hex, 16)) };
  const escaped = source[at + 1] as string;
  return { length: 2, text: 'nrt \t\r\n'.includes(escaped) ? '' : 'x' };
}
