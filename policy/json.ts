// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from './reasons.ts';

/** A JSON object. Read its keys with `ownValue`, so that a key such as `constructor` is never an inherited property. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns whether a value is a JSON object: neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the value of an object's own key. Returns undefined if the key is absent or the value is not an object. */
export function ownValue(value: unknown, key: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/**
 * Returns the value of an object's own key, as `ownValue` does, but returns undefined for null. Go programs write an
 * omitted map or slice as null, and read null as omitted.
 */
export function givenValue(value: unknown, key: string): unknown {
  return ownValue(value, key) ?? undefined;
}

/** The maximum number of characters of a value that a message quotes. The value itself can be megabytes long. */
const maxLength = 40;

/** Formats a JSON value for a message: `"9000"`, `1.5`, `null`, `a list`. Long text is cut: `"aaaa…"`. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Shortens a text that a message shows without quotes. */
export function shorten(text: string): string {
  return text.length > maxLength ? `${text.slice(0, maxLength).toWellFormed()}…` : text;
}

/**
 * One change of an object, as in a JSON Patch (RFC 6902).
 *
 * @example { op: 'add', path: '/metadata/annotations/k8s.v1.cni.cncf.io~1resourceName', value: '…/dataplane' }
 */
export interface Edit {
  readonly op: 'add' | 'replace';
  readonly path: string;
  readonly value: unknown;
}

/** The result of a mutation: the changes in the order in which to apply them, and warnings. */
export interface Mutation {
  readonly edits: readonly Edit[];
  /** Severity is warn, except for errors that only the mutation can detect. */
  readonly verdicts: readonly Verdict[];
}

/** Returns the JSON Pointer (RFC 6901) to a path of keys and indexes: `/metadata/annotations/a~1b`. */
export function pointer(...path: readonly (string | number)[]): string {
  return path.map((key) => `/${escapeKey(String(key))}`).join('');
}

function escapeKey(key: string): string {
  return key.includes('~') || key.includes('/') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key;
}

/**
 * Applies edits as a JSON Patch does, without changing the value. Each object and list on the path of an edit is copied
 * once. The result shares all others with the original. Throws if an edit does not apply.
 */
export function withEdits(value: unknown, edits: readonly Edit[]): unknown {
  const copies = new Set<object>();
  return edits.reduce((edited, edit) => {
    const [first, ...keys] = edit.path.split('/');
    if (first !== '') throw new Error(`the path ${edit.path} does not begin with a slash`);
    return withEdit(edited, keys.map(unescapeKey), edit, copies);
  }, value);
}

function unescapeKey(key: string): string {
  return key.includes('~') ? key.replaceAll('~1', '/').replaceAll('~0', '~') : key;
}

function withEdit(value: unknown, [key, ...inner]: readonly string[], edit: Edit, copies: Set<object>): unknown {
  if (key === undefined) return edit.value;
  if (typeof value !== 'object' || value === null) throw new Error(`${key} of ${quote(value)} cannot be edited`);
  const copy = copyOnce(value, copies);
  const isInsertion = inner.length === 0 && edit.op === 'add';
  if (!isInsertion && !Object.hasOwn(copy, key)) throw new Error(`${key} does not exist`);
  if (!Array.isArray(copy)) copy[key] = withEdit(copy[key], inner, edit, copies);
  else {
    const index = key === '-' ? copy.length : Number(key);
    if (!/^(0|[1-9]\d*|-)$/.test(key) || index > copy.length) throw new Error(`${key} is not an index of the list`);
    copy.splice(index, isInsertion ? 0 : 1, withEdit(copy[index], inner, edit, copies));
  }
  return copy;
}

function copyOnce(value: object, copies: Set<object>): Record<string, unknown> | unknown[] {
  if (copies.has(value)) return value as Record<string, unknown> | unknown[];
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copies.add(copy);
  return copy;
}
