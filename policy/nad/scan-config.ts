// SPDX-License-Identifier: Apache-2.0

import { shorten } from '../quote.ts';
import { type Expected, explainFault } from './explain-fault.ts';
import { type JsonToken, readTokens } from './json-tokens.ts';

/** Where a text stops being JSON, and why: `{ offset: 25, text: 'a comma is missing before "mtu"' }`. */
export interface JsonFault {
  /** In UTF-16 code units. */
  readonly offset: number;
  readonly text: string;
}

/** The last property of an object, as far as writing another one behind it needs to know. */
export interface LastProperty {
  /** What stands between the brace or comma and the key. */
  readonly gap: string;
  /** What stands between the key and the value, colon included. */
  readonly colon: string;
  /** Whether it is the only one, so that its gap follows the brace. */
  readonly only: boolean;
  /** Offset behind the value. */
  readonly end: number;
}

/** What a JSON text tells beyond its values. */
export interface Layout {
  /** Of the object at the top (`''`) and of those in its list of plugins (`plugins[1]`), unless they are empty. */
  readonly objects: ReadonlyMap<string, LastProperty>;
  /** Keys that one object has twice, the first few of them: `mtu`, `plugins[0].mode`. */
  readonly repeated: readonly string[];
}

/**
 * As deep as the parser goes that Multus and CNI read a config with. Source: Go's encoding/json, scanner.go,
 * maxNestingDepth.
 */
const maxDepth = 10_000;

/** A person mends a few and applies again; a hostile text could hold a hundred thousand. */
const maxRepeated = 8;

const accepted: Readonly<Record<Expected, string>> = {
  value: '{["0',
  'first-item': '{["0]',
  'first-key': '"}',
  key: '"',
  colon: ':',
  comma: ',',
  end: '$',
};

/** An object or a list that is still open, and what was read of its current property or item. */
interface Frame {
  readonly close: '}' | ']';
  readonly keys: Set<string>;
  at: string | number;
  gap: string;
  keyEnd: number;
  colon: string;
}

/** A reading under way. */
interface Scan {
  readonly text: string;
  readonly stack: Frame[];
  readonly objects: Map<string, LastProperty>;
  readonly repeated: string[];
  expected: Expected;
  previous: JsonToken | undefined;
}

/**
 * Reads a text token by token, as strictly as RFC 8259, up to its first fault. It keeps its own stack, so that no depth
 * of the text overflows the engine's.
 */
export function scanConfig(text: string): { readonly fault: JsonFault } | { readonly layout: Layout } {
  const next = readTokens(text);
  const scan: Scan = { text, stack: [], objects: new Map(), repeated: [], expected: 'value', previous: undefined };
  for (;;) {
    const token = next();
    if (!isAccepted(scan, token)) {
      return { fault: { offset: token.offset, text: explainFault(token, scan.expected, scan.previous) } };
    }
    if (token.kind === '$') return { layout: { objects: scan.objects, repeated: scan.repeated } };
    if (token.kind === '0' && isEndless(token.value)) {
      return { fault: { offset: token.offset, text: `${shorten(token.value)} is more than a number can be` } };
    }
    scan.expected = advance(scan, token);
    scan.previous = token;
    if (scan.stack.length > maxDepth) {
      return { fault: { offset: token.offset, text: `more than ${maxDepth} levels of objects and lists` } };
    }
  }
}

function isAccepted({ expected, stack }: Scan, { kind, error }: JsonToken): boolean {
  if (error !== 0) return false;
  return accepted[expected].includes(kind) || (expected === 'comma' && kind === stack.at(-1)?.close);
}

/**
 * A number that no float64 holds, such as 1e400: JSON has it, and Multus and libcni refuse the whole config for it.
 * Source: Go's encoding/json, decode.go, convertNumber.
 */
function isEndless(text: string): boolean {
  return Math.abs(Number(text)) === Number.POSITIVE_INFINITY;
}

/** Takes in one token and tells what may follow. */
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
  if (frame.keys.has(value) && scan.repeated.length < maxRepeated) scan.repeated.push(pathOf(scan.stack));
  frame.keys.add(value);
  return 'colon';
}

function beginValue({ stack }: Scan, { kind }: JsonToken): Expected {
  if (kind !== '{' && kind !== '[') return stack.length === 0 ? 'end' : 'comma';
  const isObject = kind === '{';
  stack.push({ close: isObject ? '}' : ']', keys: new Set(), at: isObject ? '' : 0, gap: '', keyEnd: 0, colon: '' });
  return isObject ? 'first-key' : 'first-item';
}

function closeFrame({ stack, objects, previous }: Scan): Expected {
  const frame = stack.pop();
  if (frame !== undefined && frame.keys.size > 0 && previous !== undefined && canGetKeys(stack)) {
    const { gap, colon, keys } = frame;
    objects.set(pathOf(stack), { gap, colon, only: keys.size === 1, end: previous.end });
  }
  return stack.length === 0 ? 'end' : 'comma';
}

/** Whether what stands inside these frames is the object at the top or one of its plugins. */
function canGetKeys(stack: readonly Frame[]): boolean {
  return stack.length === 0 || (stack.length === 2 && stack[0]?.at === 'plugins' && stack[1]?.close === ']');
}

/** The path of what is being read: `plugins[1].mode`; no deeper than a person would follow. */
function pathOf(stack: readonly Frame[]): string {
  const keys = stack.slice(0, 8).map(({ at }) => (typeof at === 'number' ? `[${at}]` : `.${shorten(at)}`));
  return keys.join('').replace(/^\./, '');
}
