// SPDX-License-Identifier: Apache-2.0
import { createScanner, type ScanError, type SyntaxKind } from 'jsonc-parser';

/**
 * A token of a JSON text, its kind named by a character: `"` a string, `0` a number, true, false or null, `/` a comment,
 * `$` the end of the text, `?` anything else.
 */
export interface JsonToken {
  readonly kind: '{' | '}' | '[' | ']' | ',' | ':' | '"' | '0' | '/' | '$' | '?';
  readonly offset: number;
  /** Offset behind the token. */
  readonly end: number;
  /** A string's own value; the text of a number, a word or a comment; of anything else empty. */
  readonly value: string;
  /** What is wrong within the token; 0: nothing. */
  readonly error: ScanError;
}

/** By SyntaxKind; typed so that the compiler compares the numbers, which the library declares as a const enum. */
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

/** Hands out the tokens of a text one by one, the end again and again; whitespace is passed over, comments are not. */
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
