// SPDX-License-Identifier: Apache-2.0
import type { ManifestDocument, WrittenText } from '../../cluster/manifests/parse-documents.ts';
import { isJsonObject, shorten } from '../../policy/json.ts';
import { readTokens } from '../../policy/nad/config/json-tokens.ts';
import { readConfig } from '../../policy/nad/config/read-config.ts';

/** An object and its place in a file. */
export interface PlacedValue {
  readonly document: ManifestDocument;
  /** The path of the object in the document. It is empty unless the object is an item of a list. */
  readonly root: Path;
  readonly value: unknown;
}

/**
 * Finds the line in the file for a verdict: the line of the field, or of the nearest enclosing field that exists. The
 * config of a network is JSON inside a YAML text. For a path inside the config, the result is the line of the JSON key.
 * If the config is not JSON, the result is the line of the syntax error.
 *
 * @param path The path as in verdicts: `spec.config.plugins[1].mode`.
 */
export function findLine({ document, root, value }: PlacedValue, path: string): number {
  const { keys, rest } = resolvePath(value, path);
  const place = [...root, ...keys];
  const written = keys.join('.') === 'spec.config' ? document.textAt(place) : undefined;
  const text = written && (value as { spec: { config: string } }).spec.config;
  const offset = text === undefined ? undefined : offsetIn(text, rest);
  return written === undefined || text === undefined || offset === undefined
    ? document.lineOf(place)
    : locateText(written, text, offset);
}

/** Finds the offset of a path in a config. Returns undefined if the path means the whole config. */
function offsetIn(text: string, rest: string): number | undefined {
  const { config, fault } = readConfig(text);
  if (fault?.line !== undefined) return offsetOf(text, fault.line, fault.column ?? 1);
  if (config === undefined || rest === '') return undefined;
  const { keys } = resolvePath(config.tree, rest);
  return keys.length === 0 ? undefined : findKey(text, keys);
}

/** Converts a line and a column to an offset. Line ends count as in readConfig. */
function offsetOf(text: string, line: number, column: number): number {
  const ends = [...text.matchAll(/\r\n|\r|\n/g)].map((end) => end.index + end[0].length);
  return (line === 1 ? 0 : (ends[line - 2] ?? text.length)) + column - 1;
}

/** A path in a document. */
export type Path = readonly (string | number)[];

/**
 * Resolves the path of a verdict as far as it exists in a value, and returns the rest. The paths are written for
 * people: a key that contains dots is not always in brackets, and long keys are cut. Therefore, each part of the path
 * is compared with the keys of the value, and the longest matching key is used.
 *
 * @example resolvePath({ spec: { config: '{}' } }, 'spec.config.mode') // { keys: ['spec', 'config'], rest: '.mode' }
 */
export function resolvePath(value: unknown, path: string): { readonly keys: Path; readonly rest: string } {
  const keys: (string | number)[] = [];
  let rest = path;
  for (let at = value; rest !== ''; ) {
    const step = stepInto(at, rest);
    if (step === undefined) break;
    keys.push(step.key);
    rest = rest.slice(step.length);
    at = (at as Record<string | number, unknown>)[step.key];
  }
  return { keys, rest };
}

interface Step {
  readonly key: string | number;
  /** The number of characters of the path that the key takes. */
  readonly length: number;
}

function stepInto(value: unknown, rest: string): Step | undefined {
  if (Array.isArray(value)) {
    const [text, digits] = /^\[(\d+)\]/.exec(rest) ?? [];
    return text !== undefined && Number(digits) < value.length
      ? { key: Number(digits), length: text.length }
      : undefined;
  }
  if (!isJsonObject(value)) return undefined;
  return Object.keys(value)
    .flatMap((key) => nameIn(rest, key))
    .reduce<Step | undefined>((longest, step) => (step.length > (longest?.length ?? 0) ? step : longest), undefined);
}

/**
 * Returns the ways in which the rest of a path can begin with a key: `key`, `.key` or `[key]`. After the key, the path
 * must end or continue with another key.
 */
function nameIn(rest: string, key: string): readonly Step[] {
  return [`[${key}]`, ...[key, shorten(key)].flatMap((name) => [name, `.${name}`])]
    .filter((name) => rest.startsWith(name) && /^([.[]|$)/.test(rest.slice(name.length, name.length + 1)))
    .map((name) => ({ key, length: name.length }));
}

/** An object or list that is not closed yet, with the current key or index in it. */
interface Frame {
  readonly isList: boolean;
  at: string | number;
}

/**
 * Finds the key or item at a path in a JSON text, or the nearest enclosing one that exists. Returns its offset. If a
 * key is repeated, the last occurrence counts, as in JSON.parse. Reads the text token by token, so that deep nesting
 * does not overflow the stack.
 *
 * @example findKey('{"a": [{"b": 1}]}', ['a', 0, 'b']) gives 8
 */
export function findKey(text: string, path: Path): number {
  const next = readTokens(text);
  const frames: Frame[] = [];
  let found = 0;
  let isKey = false;
  for (let token = next(); token.kind !== '$'; token = next()) {
    const frame = frames.at(-1);
    if (token.kind === '}' || token.kind === ']') {
      frames.pop();
      isKey = false;
      continue;
    }
    if (token.kind === ',') {
      if (frame?.isList) frame.at = Number(frame.at) + 1;
      isKey = frame?.isList === false;
      continue;
    }
    if (isKey && frame !== undefined) frame.at = token.value;
    if ((isKey || frame?.isList) && isPrefix(frames, path)) found = token.offset;
    isKey = token.kind === '{';
    if (token.kind === '{' || token.kind === '[') frames.push({ isList: token.kind === '[', at: isKey ? '' : 0 });
  }
  return found;
}

function isPrefix(frames: readonly Frame[], path: Path): boolean {
  return frames.length <= path.length && frames.every(({ at }, depth) => at === path[depth]);
}

/**
 * Returns whether a character is white space. YAML changes only white space when it folds lines or removes indentation.
 */
const isSpace = (character: string) => /[ \t\r\n]/.test(character);

/**
 * Finds the line in the file for a character of a YAML scalar. `offset` is the offset of the character in the decoded
 * text. Folding and indentation change only white space. Therefore, the function counts the other characters before the
 * offset, and skips the same number in the source. If the source ends before that, the result is the line of its last
 * character.
 */
function locateText(written: WrittenText, text: string, offset: number): number {
  let before = 0;
  for (let at = 0; at < offset && at < text.length; at += 1) if (!isSpace(text[at] as string)) before += 1;
  let place = 0;
  for (const at of visibleOffsets(written)) {
    place = at;
    before -= 1;
    if (before < 0) break;
  }
  return written.lineAt(place);
}

/** Yields the source offset of each UTF-16 code unit of a text, except white space. */
function* visibleOffsets({ style, source }: WrittenText): Generator<number> {
  const isQuoted = style === 'single' || style === 'double';
  // The text of a block starts after the header line, which may contain a comment.
  const start = style === 'block' ? source.indexOf('\n') + 1 : isQuoted ? 1 : 0;
  const end = source.length - (isQuoted ? 1 : 0);
  for (let at = start; at < end; ) {
    const { length, text } = unitAt(source, at, style);
    for (const unit of text.split('')) if (!isSpace(unit)) yield at;
    at += length;
  }
}

/**
 * Reads one character or escape. Source: YAML 1.2.2, sections 5.7 (escapes in double quotes) and 7.3.2 (a single quote
 * is doubled).
 */
function unitAt(source: string, at: number, style: WrittenText['style']): { length: number; text: string } {
  const character = source[at] as string;
  if (style === 'single' && character === "'") return { length: 2, text: "'" };
  if (style !== 'double' || character !== '\\') return { length: 1, text: character };
  const [, hex] = /^\\(?:x(..)|u(.{4})|U(.{8}))/s.exec(source.slice(at, at + 10))?.filter(Boolean) ?? [];
  if (hex !== undefined) return { length: hex.length + 2, text: String.fromCodePoint(Number.parseInt(hex, 16)) };
  const escaped = source[at + 1] as string;
  return { length: 2, text: 'nrt \t\r\n'.includes(escaped) ? '' : 'x' };
}
