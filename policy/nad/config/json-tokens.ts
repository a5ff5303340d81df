// SPDX-License-Identifier: Apache-2.0
import { createScanner, type ScanError, type SyntaxKind } from 'jsonc-parser';
import { quote, shorten } from '../../json.ts';

/**
 * A token of a JSON text. Its kind is a character. `{`, `}`, `[`, `]`, `,` and `:` stand for themselves. The others
 * are: `"` a string; `0` a number, true, false or null; `/` a comment; `$` the end of the text; `?` anything else.
 */
export interface JsonToken {
  readonly kind: '{' | '}' | '[' | ']' | ',' | ':' | '"' | '0' | '/' | '$' | '?';
  readonly offset: number;
  /** The offset after the token. */
  readonly end: number;
  /** The value of a string, or the text of a number, word or comment. Empty for other tokens. */
  readonly value: string;
  /** The error in the token, or 0. */
  readonly error: ScanError;
}

/**
 * Token kinds by SyntaxKind. The library declares SyntaxKind as a const enum, so its numbers are written here.
 * `satisfies` makes the compiler check them.
 */
const kinds: Readonly<Partial<Record<SyntaxKind, JsonToken['kind']>>> = {
  [1 satisfies SyntaxKind.OpenBraceToken]: '{',
  [2 satisfies SyntaxKind.CloseBraceToken]: '}',
  [3 satisfies SyntaxKind.OpenBracketToken]: '[',
  [4 satisfies SyntaxKind.CloseBracketToken]: ']',
  [5 satisfies SyntaxKind.CommaToken]: ',',
  [6 satisfies SyntaxKind.ColonToken]: ':',
  [7 satisfies SyntaxKind.NullKeyword]: '0',
  [8 satisfies SyntaxKind.TrueKeyword]: '0',
  [9 satisfies SyntaxKind.FalseKeyword]: '0',
  [10 satisfies SyntaxKind.StringLiteral]: '"',
  [11 satisfies SyntaxKind.NumericLiteral]: '0',
  [12 satisfies SyntaxKind.LineCommentTrivia]: '/',
  [13 satisfies SyntaxKind.BlockCommentTrivia]: '/',
  [17 satisfies SyntaxKind.EOF]: '$',
};

const lineBreak = 14 satisfies SyntaxKind.LineBreakTrivia;
const whitespace = 15 satisfies SyntaxKind.Trivia;

/**
 * Returns a function that returns the next token of a text. It skips whitespace but not comments. At the end of the
 * text, it returns the end token every time.
 */
export function readTokens(text: string): () => JsonToken {
  const scanner = createScanner(text);
  return () => {
    let kind: SyntaxKind;
    do kind = scanner.scan();
    while (kind === lineBreak || kind === whitespace);
    const offset = scanner.getTokenOffset();
    const end = offset + scanner.getTokenLength();
    return { kind: kinds[kind] ?? '?', offset, end, value: scanner.getTokenValue(), error: scanner.getTokenError() };
  };
}

/** The tokens that are valid next in a JSON text. At the start, the text needs a value. */
export type Expected = 'value' | 'first-item' | 'first-key' | 'key' | 'colon' | 'comma' | 'end';

const unclosedString = 2 satisfies ScanError.UnexpectedEndOfString;
const controlCharacter = 6 satisfies ScanError.InvalidCharacter;

/**
 * Explains why a token is wrong at this place of a JSON text, and how to fix it. The explanation is for the text's
 * author and avoids technical terms: `a comma is missing before "mtu"`.
 */
export function explainFault(found: JsonToken, expected: Expected, previous: JsonToken | undefined): string {
  const token = textOf(found);
  if (found.kind === '/') return 'a comment, which JSON does not have: remove it';
  if (found.error !== 0) return explainError(found);
  if (found.kind === '?') return explainUnknown(found.value, expected);
  if (found.kind === '$') return 'the text ends before the JSON is complete';
  if (expected === 'end') return `${token} after the end of the JSON text: remove it`;
  if (previous?.kind === ',' && '}]'.includes(found.kind)) return `a comma before ${token}: remove the comma`;
  if (expected === 'colon') return `a colon is missing before ${token}`;
  if (expected === 'comma' && '"0{['.includes(found.kind)) return `a comma is missing before ${token}`;
  if (expected === 'key' || expected === 'first-key') return `${token} where a key in double quotes is expected`;
  if (expected === 'comma') return `${token} does not close the open object or list`;
  return `${token} where a value is expected`;
}

function textOf({ kind, value }: JsonToken): string {
  if (kind === '"') return quote(value);
  return kind === '0' ? shorten(value) : kind;
}

function explainError({ error, kind, value }: JsonToken): string {
  if (kind !== '"') return `${shorten(value)} is not a complete number`;
  if (error === unclosedString) return `the string ${quote(value)} is not closed on its line`;
  if (error === controlCharacter) return `the string ${quote(value)} contains a control character: write it as \\u00XX`;
  return `the string ${quote(value)} contains a backslash that does not begin a JSON escape: double it`;
}

function explainUnknown(value: string, expected: Expected): string {
  const code = value.codePointAt(0) as number;
  if (code === 0xfeff) return 'a byte order mark, which JSON does not have: save the text without it';
  if (code < 0x20 || code > 0x7e)
    return `the character U+${code.toString(16).toUpperCase().padStart(4, '0')} outside of a string: remove it`;
  if (value.startsWith("'")) return `${shorten(value)}: JSON needs double quotes`;
  if (expected === 'key' || expected === 'first-key') return `${shorten(value)}: write keys in double quotes`;
  return `${shorten(value)} is not a JSON value: put text in double quotes, or write true, false, null or a number`;
}

/** The kinds of tokens that each expectation accepts. */
const accepted: Readonly<Record<Expected, string>> = {
  value: '{["0',
  'first-item': '{["0]',
  'first-key': '"}',
  key: '"',
  colon: ':',
  comma: ',',
  end: '$',
};

/** Returns whether a token may come next. `close` is the bracket that closes the innermost open object or list. */
export function isAccepted({ kind, error }: JsonToken, expected: Expected, close: '}' | ']' | undefined): boolean {
  if (error !== 0) return false;
  return accepted[expected].includes(kind) || (expected === 'comma' && kind === close);
}

/**
 * Returns whether a number is too large for a float64, for example 1e400. JSON allows such a number, but Multus and
 * libcni reject the whole config. Source: Go's encoding/json, decode.go, convertNumber.
 */
export function isOutOfRange(text: string): boolean {
  return Math.abs(Number(text)) === Number.POSITIVE_INFINITY;
}
