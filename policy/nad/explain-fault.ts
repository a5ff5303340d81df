// SPDX-License-Identifier: Apache-2.0
import type { ScanError } from 'jsonc-parser';
import { quote, shorten } from '../quote.ts';
import type { JsonToken } from './json-tokens.ts';

/** What may come next in a JSON text; a value is wanted at the start. */
export type Expected = 'value' | 'first-item' | 'first-key' | 'key' | 'colon' | 'comma' | 'end';

const unclosedString = 2 satisfies ScanError.UnexpectedEndOfString;
const controlCharacter = 6 satisfies ScanError.InvalidCharacter;

/**
 * Says what is wrong with a token that must not stand at this place of a JSON text, and what to do, in the words of who
 * typed it: `a comma is missing before "mtu"`.
 */
export function explainFault(found: JsonToken, expected: Expected, previous: JsonToken | undefined): string {
  const token = textOf(found);
  if (found.kind === '/') return 'a comment, which JSON does not have: remove it';
  if (found.error !== 0) return explainError(found);
  if (found.kind === '?') return explainUnknown(found.value, expected);
  if (found.kind === '$') return 'the text ends here, too early: close what is open';
  if (expected === 'end') return `${token} behind the end of the JSON text: remove it`;
  if (previous?.kind === ',' && '}]'.includes(found.kind)) return `a comma before ${token}: remove the comma`;
  if (expected === 'colon') return `a colon is missing before ${token}`;
  if (expected === 'comma' && '"0{['.includes(found.kind)) return `a comma is missing before ${token}`;
  if (expected === 'key' || expected === 'first-key') return `${token} where a key in double quotes is wanted`;
  if (expected === 'comma') return `${token} does not close what is open`;
  return `${token} where a value is wanted`;
}

function textOf({ kind, value }: JsonToken): string {
  if (kind === '"') return quote(value);
  return kind === '0' ? shorten(value) : kind;
}

function explainError({ error, kind, value }: JsonToken): string {
  if (kind !== '"') return `${shorten(value)} is no complete number`;
  if (error === unclosedString) return `the string ${quote(value)} is not closed on its line`;
  if (error === controlCharacter) return `the string ${quote(value)} holds a control character: write it as \\u00XX`;
  return `the string ${quote(value)} holds a backslash that begins no JSON escape: double it`;
}

function explainUnknown(value: string, expected: Expected): string {
  const code = value.codePointAt(0) as number;
  if (code === 0xfeff) return 'a byte order mark, which JSON does not have: save the text without it';
  if (code < 0x20 || code > 0x7e)
    return `the character U+${code.toString(16).toUpperCase().padStart(4, '0')} outside of a string: remove it`;
  if (value.startsWith("'")) return `${shorten(value)}: JSON has double quotes`;
  if (expected === 'key' || expected === 'first-key') return `${shorten(value)}: write keys in double quotes`;
  return `${shorten(value)} is no JSON value: text stands in double quotes, else write true, false, null or a number`;
}
