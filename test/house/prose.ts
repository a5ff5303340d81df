// SPDX-License-Identifier: Apache-2.0
import { parseSync } from 'oxc-parser';
import type { SourceFile } from './source-files.ts';

/** A part of a file that people read, given by its offsets. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** The parts of a node of the syntax tree that this file uses. */
interface Syntax extends Span {
  readonly type?: string;
  readonly value?: unknown;
  readonly left?: unknown;
  readonly right?: unknown;
  readonly quasis?: readonly Span[];
}

/** The endings of files that contain text for people. */
export const proseEndings = [
  '.md',
  '.ts',
  '.c',
  '.h',
  '.yaml',
  '.yml',
  '.tpl',
  '.txt',
  '.sh',
  'Dockerfile.node',
  'Dockerfile.webhook',
];

/**
 * Returns the text of a file that people read, as Markdown with the same line numbers. A Markdown page is returned
 * unchanged. Of other files, only the comments and the strings of at least three words are returned. An expression in a
 * template becomes `X`.
 */
export function proseOf({ path, text }: SourceFile): string {
  if (path.endsWith('.md')) return text;
  if (path.endsWith('.ts')) return proseOfTypeScript(path, text);
  if (/\.[ch]$/.test(path))
    return blankOutside(text, spansMatching(text, /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"/g));
  if (path.endsWith('NOTES.txt')) return blankOutside(text, spansMatching(text, /^(?!\s*\{\{).+$/gm));
  if (/\.ya?ml$/.test(path))
    return blankOutside(text, spansMatching(text, /(?<=^|\s)#.*|(?<=\b(?:description|summary|message): ).*/gm));
  return blankOutside(text, spansMatching(text, /(?<=^|\s)#(?!!).*|\/\*[\s\S]*?\*\//gm));
}

function spansMatching(text: string, pattern: RegExp): readonly Span[] {
  return [...text.matchAll(pattern)]
    .filter(([match]) => !match.startsWith('"') || isSentence(match))
    .map(({ index, 0: match }) => ({ start: index, end: index + match.length }));
}

/** Ends each string with a full stop, so that two entries of a list are not one sentence. Keeps strings joined by +. */
function proseOfTypeScript(path: string, text: string): string {
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const spans: Span[] = [...comments];
  const characters = text.split('');
  const visit = (node: unknown, isContinued = false): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, value, start, end, left, right, quasis = [] } = node as Syntax;
    const isString = type === 'Literal' && typeof value === 'string';
    if ((isString || type === 'TemplateLiteral') && isSentence(text.slice(start, end))) {
      const isClosed = isContinued || /[\s.,:;!?]/.test(text.charAt(end - 2));
      characters[end - 1] = isClosed ? ' ' : '.';
      spans.push(...(isString ? [] : quasis), { start: isString ? start : end - 1, end });
    }
    if (type === 'BinaryExpression') {
      visit(left, true);
      visit(right, isContinued);
    } else for (const child of Object.values(node)) visit(child);
  };
  visit(program);
  return blankOutside(characters.join(''), spans);
}

/** Returns whether a string is text for people, and not a name, a path or a pattern. */
function isSentence(text: string): boolean {
  return /\p{L}+[,;:]? \p{L}+[,;:]? \p{L}+/u.test(text);
}

function blankOutside(text: string, spans: readonly Span[]): string {
  const kept = new Array<string>(text.length).fill(' ');
  for (const { start, end } of spans) for (let at = start; at < end; at += 1) kept[at] = text.charAt(at);
  for (const { index } of text.matchAll(/\n/g)) kept[index] = '\n';
  // Removes comment marks, quotes and indentation, which Markdown would treat as code.
  return kept
    .join('')
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\/\*\*?|\*\/|\*|\/\/+|#+)?\s*['"`]?/, '').replace(/\*\/\s*$|\\n/g, ' '))
    .map((line) => (/^(?:SPDX-License-Identifier|biome-ignore|yaml-language-server)/.test(line) ? '' : line.trimEnd()))
    .join('\n');
}
