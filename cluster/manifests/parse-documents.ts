// SPDX-License-Identifier: Apache-2.0
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import { scalarTags } from './scalar-tags.ts';

/** One document of a file: its value, or why there is none. Documents and lines count from 1, as editors count. */
export interface ManifestDocument {
  readonly number: number;
  readonly line: number;
  readonly content: { readonly value: unknown } | { readonly fault: string };
  /** The line of a place inside the value, or of the nearest place around it that exists. */
  lineOf(path: readonly (string | number)[]): number;
  /** How a text inside the value is written; undefined where no text stands. What an alias names stands at its anchor. */
  textAt(path: readonly (string | number)[]): WrittenText | undefined;
}

/** A text as its file has it: with its quotes, or with the header and the indentation of its block. */
export interface WrittenText {
  readonly style: 'plain' | 'single' | 'double' | 'block';
  readonly source: string;
  /** The line of an offset in the source. */
  lineAt(offset: number): number;
}

const styles: Readonly<Record<string, WrittenText['style']>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
};

/** Splits a YAML (or JSON) file into its documents, read as kubectl reads them; empty ones, as after a last `---`, are left out. */
export function parseDocuments(text: string): readonly ManifestDocument[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    uniqueKeys: true,
    // Warnings would go to standard error past everything that is ours.
    logLevel: 'error',
    schema: 'core',
    customTags: (tags) => [...scalarTags, ...tags],
    merge: true,
  });
  return (Array.isArray(parsed) ? parsed : [])
    .map((document, index) => toDocument(document, index + 1, text, lines))
    .filter(({ content }) => !('value' in content) || content.value !== null);
}

function toDocument(document: Document.Parsed, number: number, text: string, lines: LineCounter): ManifestDocument {
  const start = lines.linePos(document.contents?.range?.[0] ?? document.range[0]).line;
  const error = document.errors[0];
  if (error !== undefined) {
    // The library appends the lines around the place; the place itself is told apart.
    const fault = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? error.code;
    const line = error.linePos?.[0].line ?? start;
    const content = { fault: `no YAML: ${fault}` };
    return { number, line, content, lineOf: () => line, textAt: () => undefined };
  }
  return {
    number,
    line: start,
    content: toValue(document),
    lineOf: (path) => lineOf(document, path, lines) ?? start,
    textAt: (path) => textAt(document, path, text, lines),
  };
}

/** Aliases that multiply beyond measure are refused by the library when the value is made. */
function toValue(document: Document.Parsed): ManifestDocument['content'] {
  try {
    return { value: document.toJS() };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

/** Walks down as far as the path goes; a field's line is its key's, since its value may begin further down. */
function lineOf(document: Document.Parsed, path: readonly (string | number)[], lines: LineCounter): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    const child = childOf(isAlias(node) ? node.resolve(document) : node, key);
    if (child === undefined) break;
    offset = rangeStart(child.place) ?? offset;
    node = child.node;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

function textAt(
  document: Document.Parsed,
  path: readonly (string | number)[],
  text: string,
  lines: LineCounter,
): WrittenText | undefined {
  const resolve = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);
  const node = path.reduce<unknown>((parent, key) => resolve(childOf(parent, key)?.node), resolve(document.contents));
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range) return undefined;
  const [start, end] = node.range;
  const style = styles[node.type ?? ''];
  return style && { style, source: text.slice(start, end), lineAt: (offset) => lines.linePos(start + offset).line };
}

/** Keys are compared as text: `123: x` and `true: x` are fields named 123 and true once the value is made. */
function childOf(parent: unknown, key: string | number): { node: unknown; place: unknown } | undefined {
  if (isSeq(parent)) {
    const item = parent.items[Number(key)];
    return item === undefined ? undefined : { node: item, place: item };
  }
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
  return pair && { node: pair.value, place: pair.key };
}

function rangeStart(node: unknown): number | undefined {
  return (node as { range?: readonly number[] } | null)?.range?.[0];
}
