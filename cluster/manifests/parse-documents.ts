// SPDX-License-Identifier: Apache-2.0
import type { ScalarTag } from 'yaml';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type Scalar,
  visit,
} from 'yaml';

/** One document of a file: its value or its error. Documents and lines are numbered from 1, as in editors. */
export interface ManifestDocument {
  readonly number: number;
  readonly line: number;
  readonly content: { readonly value: unknown } | { readonly fault: string };
  /** Returns the line of a path in the value, or of its nearest existing parent. */
  lineOf(path: readonly (string | number)[]): number;
  /**
   * Returns the source text of a string in the value, or undefined if the path has no string. For an alias, returns the
   * text of its anchor.
   */
  textAt(path: readonly (string | number)[]): WrittenText | undefined;
}

/** A string as it is written in the file: with its quotes, or with the header and indentation of its block. */
export interface WrittenText {
  readonly style: 'plain' | 'single' | 'double' | 'block';
  readonly source: string;
  /** Returns the line of an offset in the source. */
  lineAt(offset: number): number;
}

const styles: Readonly<Record<string, WrittenText['style']>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'block',
  BLOCK_FOLDED: 'block',
};

/**
 * Parses the documents of a YAML or JSON file as kubectl does. Empty documents, for example after a trailing `---`, are
 * dropped.
 */
export function parseDocuments(text: string): readonly ManifestDocument[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    // Off, because the library slowly compares each key with all other keys of its map. findUnsupported uses a set
    // instead.
    uniqueKeys: false,
    // Otherwise, the library writes warnings to standard error.
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
  const broken = (fault: string, line: number): ManifestDocument => {
    return { number, line, content: { fault }, lineOf: () => line, textAt: () => undefined };
  };
  const error = document.errors[0];
  if (error !== undefined) {
    // Keep only the first line, without the position: the library adds the surrounding lines, and the position is
    // reported separately.
    const fault = error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? error.code;
    return broken(`invalid YAML: ${fault}`, error.linePos?.[0].line ?? start);
  }
  const unsupported = findUnsupported(document);
  if (unsupported !== undefined) {
    const { text: fault, offset } = unsupported;
    return broken(`kubectl rejects this YAML: ${fault}`, offset === undefined ? start : lines.linePos(offset).line);
  }
  return {
    number,
    line: start,
    content: toValue(document),
    lineOf: (path) => lineOf(document, path, lines) ?? start,
    textAt: (path) => textAt(document, path, text, lines),
  };
}

/** Converts a document to a value. The library rejects aliases that expand to too many values. */
function toValue(document: Document.Parsed): ManifestDocument['content'] {
  try {
    return { value: document.toJS() };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

/** A construct that kubectl rejects, with its offset. */
interface Unsupported {
  readonly text: string;
  readonly offset: number | undefined;
}

/**
 * Finds a construct that kubectl rejects but the library accepts:
 *
 * - A duplicate key.
 * - A key that is a list or a map. The library converts it to text recursively, which takes minutes for 800 bytes of
 *   nested `? `.
 * - An anchor inside its own value, which would cause an endless value.
 */
function findUnsupported(document: Document.Parsed): Unsupported | undefined {
  // An alias refers to the nearest preceding anchor with its name. `Alias.resolve` would search the whole document each
  // time.
  const anchors = new Map<string, Node>();
  let unsupported: Unsupported | undefined;
  const reject = (text: string, place: unknown) => {
    unsupported = { text, offset: rangeStart(place) };
    return visit.BREAK;
  };
  visit(document, {
    Value: (_, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      const duplicate = isMap(node) ? findDuplicate(node.items.map(({ key }) => key)) : undefined;
      return duplicate && reject(`duplicate key ${duplicate.value} in a map`, duplicate);
    },
    Alias: (_, alias, parents) => {
      const named = anchors.get(alias.source);
      const isInside = parents.some((parent) => parent === named);
      return isInside ? reject(`the anchor ${alias.source} contains itself`, alias) : undefined;
    },
    Pair: (_, { key }) => {
      const named = isAlias(key) ? anchors.get(key.source) : key;
      return isMap(named) || isSeq(named) ? reject('a key is a list or a map; use a string', key) : undefined;
    },
  });
  return unsupported;
}

function findDuplicate(keys: readonly unknown[]): Scalar | undefined {
  const seen = new Set<unknown>();
  return keys.filter(isScalar).find(({ value }) => seen.size === seen.add(value).size);
}

/**
 * Returns the line of a path, or of the part of the path that exists. For a field, that is the line of its key, because
 * the value may start on a later line.
 */
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

/** Finds a child. Keys are compared as texts, so `123: x` and `true: x` become fields named 123 and true. */
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

const trueWords = ['y', 'yes', 'true', 'on'];
const falseWords = ['n', 'no', 'false', 'off'];

/** Matches `yes`, `Yes` and `YES`, but not `yEs`. */
const boolPattern = new RegExp(`^(?:${[...trueWords, ...falseWords].flatMap(spellings).join('|')})$`);

const sign = '[-+]?';
const intPattern = new RegExp(
  `^${sign}(?:0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|0[bB]_*[01][01_]*|0[oO]?[0-7_]+|[0-9][0-9_]*)$`,
);

/**
 * Reads booleans and integers like kubectl and Helm, which follow neither YAML 1.1 nor 1.2. `yes` and `on` are true,
 * `017` is 15, `1_000` is 1000, and 12:30 is text. A policy must mean the same in a file as in a cluster. For example,
 * kubectl turns the label `enabled: yes` into true before it sends the policy.
 *
 * Source: go.yaml.in/yaml/v2 2.4 resolve.go, resolveMapList and resolve, which sigs.k8s.io/yaml uses to convert YAML to
 * JSON.
 */
const scalarTags: readonly ScalarTag[] = [
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    identify: (value) => typeof value === 'boolean',
    test: boolPattern,
    resolve: (text) => trueWords.includes(text.toLowerCase()),
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    identify: (value) => Number.isInteger(value),
    test: intPattern,
    resolve: parseInteger,
  },
];

function spellings(word: string): readonly string[] {
  return [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()];
}

/**
 * Parses an integer like Go's strconv.ParseInt(text, 0, 64), after removing underscores. 08 is not octal, so its value
 * is 8.
 */
function parseInteger(text: string): number {
  const plain = text.replaceAll('_', '').replace(/^[-+]/, '');
  const digits = /^0[0-7]+$/.test(plain) ? `0o${plain}` : plain;
  const value = Number(digits);
  return text.startsWith('-') ? 0 - value : value;
}
