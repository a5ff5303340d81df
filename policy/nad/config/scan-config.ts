// SPDX-License-Identifier: Apache-2.0
import { shorten } from '../../json.ts';
import { type Expected, explainFault, isAccepted, isOutOfRange, type JsonToken, readTokens } from './json-tokens.ts';
import { configKeys, foldKey, type KnownKeys } from './known-keys.ts';

/** The first syntax error of a text: `{ offset: 25, text: 'a comma is missing before "mtu"' }`. */
export interface JsonFault {
  /** In UTF-16 code units. */
  readonly offset: number;
  readonly text: string;
}

/** The last property of an object, with everything that is needed to add another property after it. */
export interface LastProperty {
  /** The text between the brace or comma and the key. */
  readonly gap: string;
  /** The text between the key and the value, including the colon. */
  readonly colon: string;
  /** Whether this is the object's only property. Its gap then begins after the opening brace. */
  readonly only: boolean;
  /** The offset after the value. */
  readonly end: number;
}

/** Facts about a JSON text that are not in the parsed values. */
export interface Layout {
  /**
   * The last property of the object at the top (`''`) and of each object in the list of plugins (`plugins[1]`). Empty
   * objects are omitted.
   */
  readonly objects: ReadonlyMap<string, LastProperty>;
  /** The first unknown keys that are repeated in their object: `vlan`, `plugins[0].vlan`. */
  readonly repeated: readonly string[];
  /** All known keys that different readers may interpret differently. */
  readonly ambiguous: readonly AmbiguousKey[];
}

/**
 * A known key in another spelling, or one that is repeated in its object. When Go's encoding/json fills the fields of a
 * struct, it ignores case, and the last key wins. In a map, every spelling is a separate key.
 */
export interface AmbiguousKey {
  /** The path of the key, for example `plugins[1].TYPE`. */
  readonly path: string;
  /** The place of the object that contains the key, as in KnownKeys: `plugins[]`. */
  readonly place: string;
  /** The first index in the path: 1 for `plugins[1].TYPE`. */
  readonly index: number | undefined;
  /** The key as written in the text. */
  readonly key: string;
  /** The key in its known spelling. */
  readonly exact: string;
  /** In UTF-16 code units. */
  readonly offset: number;
}

/** The value of a known key. For an object or a list, the token is its opening bracket. */
export interface KnownValue extends Pick<AmbiguousKey, 'place' | 'index' | 'key' | 'exact'> {
  readonly token: JsonToken;
}

export interface ScanOptions {
  readonly known: KnownKeys;
  readonly onValue?: (value: KnownValue) => void;
  /** Whether to accept numbers that are too large for a float64. Set it if the reader of the text ignores numbers. */
  readonly anyNumber?: boolean;
}

/**
 * The nesting depth that the JSON parser of Multus and CNI accepts. Source: Go's encoding/json, scanner.go,
 * maxNestingDepth.
 */
const maxDepth = 10_000;

/**
 * The maximum number of repeated keys to report. An author fixes a few at a time, but a malicious text could contain a
 * hundred thousand.
 */
const maxRepeated = 8;

/** An open object or list, with its current property or item. */
interface Frame {
  readonly close: '}' | ']';
  readonly keys: Set<string>;
  /** The place of the object or list. Undefined if it cannot contain known keys. */
  readonly place: string | undefined;
  /** The known keys seen so far, by their exact spelling. */
  readonly seen: Set<string>;
  /** The exact spelling of the current key, if it is known. */
  exact: string | undefined;
  at: string | number;
  gap: string;
  keyEnd: number;
  colon: string;
}

/** The state of a scan. */
interface Scan {
  readonly text: string;
  readonly options: ScanOptions;
  readonly stack: Frame[];
  readonly objects: Map<string, LastProperty>;
  readonly repeated: string[];
  readonly ambiguous: AmbiguousKey[];
  expected: Expected;
  previous: JsonToken | undefined;
}

/**
 * Scans a text token by token up to its first syntax error, as strictly as RFC 8259. The scan does not recurse, so a
 * deeply nested text cannot overflow the call stack.
 */
export function scanConfig(
  text: string,
  options: ScanOptions = { known: configKeys },
): { readonly fault: JsonFault } | { readonly layout: Layout } {
  const next = readTokens(text);
  const [objects, repeated, ambiguous] = [new Map<string, LastProperty>(), [], []];
  const start = { text, options, stack: [], objects, repeated, ambiguous };
  const scan: Scan = { ...start, expected: 'value', previous: undefined };
  for (;;) {
    const token = next();
    if (!isAccepted(token, scan.expected, scan.stack.at(-1)?.close)) {
      return { fault: { offset: token.offset, text: explainFault(token, scan.expected, scan.previous) } };
    }
    if (token.kind === '$') return { layout: { objects, repeated, ambiguous } };
    if (token.kind === '0' && options.anyNumber !== true && isOutOfRange(token.value)) {
      return { fault: { offset: token.offset, text: `${shorten(token.value)} is too large for a number` } };
    }
    scan.expected = advance(scan, token);
    scan.previous = token;
    if (scan.stack.length > maxDepth) {
      return { fault: { offset: token.offset, text: `more than ${maxDepth} levels of objects and lists` } };
    }
  }
}

/** Processes one token, and returns what may come next. */
function advance(scan: Scan, token: JsonToken): Expected {
  const { expected, stack } = scan;
  const frame = stack.at(-1);
  if (token.kind === ':') return 'value';
  if (token.kind === '}' || token.kind === ']') return closeFrame(scan);
  if (frame === undefined) return beginValue(scan, token);
  if (token.kind === ',') {
    if (typeof frame.at === 'string') return 'key';
    frame.at += 1;
    return 'value';
  }
  if (expected === 'key' || expected === 'first-key') return beginProperty(scan, frame, token);
  if (typeof frame.at === 'string') frame.colon = scan.text.slice(frame.keyEnd, token.offset);
  return beginValue(scan, token);
}

function beginProperty(scan: Scan, frame: Frame, { value, offset, end }: JsonToken): Expected {
  frame.at = value;
  frame.gap = scan.text.slice(scan.previous?.end, offset);
  frame.keyEnd = end;
  frame.exact = frame.place === undefined ? undefined : scan.options.known.get(frame.place)?.get(foldKey(value));
  if (frame.exact !== undefined) noteKnown(scan, frame, frame.exact, value, offset);
  else if (frame.keys.has(value) && scan.repeated.length < maxRepeated) scan.repeated.push(pathOf(scan.stack));
  frame.keys.add(value);
  return 'colon';
}

function noteKnown({ stack, ambiguous }: Scan, frame: Frame, exact: string, key: string, offset: number): void {
  if (key !== exact || frame.seen.has(exact)) {
    ambiguous.push({ path: pathOf(stack), place: frame.place ?? '', index: indexOf(stack), key, exact, offset });
  }
  frame.seen.add(exact);
}

function beginValue({ stack, options }: Scan, token: JsonToken): Expected {
  const outer = stack.at(-1);
  if (outer?.exact !== undefined && outer.place !== undefined) {
    const { place, exact, at } = outer;
    options.onValue?.({ place, index: indexOf(stack), key: String(at), exact, token });
  }
  if (token.kind !== '{' && token.kind !== '[') return outer === undefined ? 'end' : 'comma';
  const isObject = token.kind === '{';
  stack.push({
    close: isObject ? '}' : ']',
    keys: new Set(),
    place: placeIn(outer, isObject, options.known),
    seen: new Set(),
    exact: undefined,
    at: isObject ? '' : 0,
    gap: '',
    keyEnd: 0,
    colon: '',
  });
  return isObject ? 'first-key' : 'first-item';
}

/** Returns the place of an object or a list inside another one, or undefined if it cannot contain known keys. */
function placeIn(outer: Frame | undefined, isObject: boolean, known: KnownKeys): string | undefined {
  const place = outer === undefined ? '' : childPlace(outer);
  return place !== undefined && known.has(isObject ? place : `${place}[]`) ? place : undefined;
}

function childPlace({ place, exact, close }: Frame): string | undefined {
  if (place === undefined || (close === '}' && exact === undefined)) return undefined;
  if (close === ']') return `${place}[]`;
  return place === '' ? exact : `${place}.${exact}`;
}

function indexOf(stack: readonly Frame[]): number | undefined {
  const list = stack[0]?.close === ']' ? stack[0] : stack[1];
  return typeof list?.at === 'number' ? list.at : undefined;
}

function closeFrame({ stack, objects, previous }: Scan): Expected {
  const frame = stack.pop();
  if (frame !== undefined && frame.keys.size > 0 && previous !== undefined && canGetKeys(stack)) {
    const { gap, colon, keys } = frame;
    objects.set(pathOf(stack), { gap, colon, only: keys.size === 1, end: previous.end });
  }
  return stack.length === 0 ? 'end' : 'comma';
}

/**
 * Returns whether keys can be added to an object inside the open objects and lists of `stack`. This is possible for the
 * object at the top, and for a plugin in its list.
 */
function canGetKeys(stack: readonly Frame[]): boolean {
  return stack.length === 0 || (stack.length === 2 && stack[0]?.at === 'plugins' && stack[1]?.close === ']');
}

/** Returns the path of the current value, with at most eight keys: `plugins[1].mode`. */
function pathOf(stack: readonly Frame[]): string {
  const keys = stack.slice(0, 8).map(({ at }) => (typeof at === 'number' ? `[${at}]` : `.${shorten(at)}`));
  return keys.join('').replace(/^\./, '');
}
