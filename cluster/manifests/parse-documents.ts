// SPDX-License-Identifier: Apache-2.0
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';

/** One document of a file: its value, or why there is none. Documents and lines count from 1, as editors count. */
export interface ManifestDocument {
  readonly number: number;
  readonly line: number;
  readonly content: { readonly value: unknown } | { readonly fault: string };
  /** The line of a place inside the value, or of the nearest place around it that exists. */
  lineOf(path: readonly (string | number)[]): number;
}

/** Splits a YAML (or JSON) file into its documents; empty ones, as after a last `---`, are left out. */
export function parseDocuments(text: string): readonly ManifestDocument[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true });
  return (Array.isArray(parsed) ? parsed : [])
    .map((document, index) => toDocument(document, index + 1, lines))
    .filter(({ content }) => !('value' in content) || content.value !== null);
}

function toDocument(document: Document.Parsed, number: number, lines: LineCounter): ManifestDocument {
  const start = lines.linePos(document.contents?.range?.[0] ?? document.range[0]).line;
  const error = document.errors[0];
  if (error !== undefined) {
    // The library appends the lines around the place; the place itself is told apart.
    const fault = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? error.code;
    const line = error.linePos?.[0].line ?? start;
    return { number, line, content: { fault: `no YAML: ${fault}` }, lineOf: () => line };
  }
  return {
    number,
    line: start,
    content: toValue(document),
    lineOf: (path) => lineOf(document, path, lines) ?? start,
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
