// SPDX-License-Identifier: Apache-2.0
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { type CrdKind, closeSchema, readCrdSchema } from './crd-schema.ts';

/** A violation of the schema. `path` has keys and indexes, and `text` is the same path as text. */
export interface SchemaFault {
  readonly path: readonly (string | number)[];
  readonly text: string;
  readonly message: string;
}

// These formats need no check here. Integers in a policy's spec have stricter limits in the schema. The other fields
// with these formats are in a status, which only programs write.
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  verbose: true,
  formats: { int32: true, int64: true, 'date-time': true },
});
const validators = new Map<CrdKind, ValidateFunction>();

/** Objects that were valid. They are not validated again, because objects of the cluster are never changed. */
const valid = new WeakSet<object>();

/** Compiles the validators, so that the first objects are validated sooner. Call this while waiting for them. */
export function prepareValidators(): void {
  for (const kind of ['MacvtapNetworkNodePolicy', 'MacvtapNetworkNodeState'] as const) schemaFaults(kind, undefined);
}

/** Returns all violations of the schema in the chart's CRD. */
export function schemaFaults(kind: CrdKind, object: unknown): readonly SchemaFault[] {
  if (typeof object === 'object' && object !== null && valid.has(object)) return [];
  const validate = validators.getOrInsertComputed(kind, () => ajv.compile(closeSchema(readCrdSchema(kind))));
  if (!validate(object)) return (validate.errors ?? []).map(toFault);
  const repeated = kind === 'MacvtapNetworkNodeState' ? findRepeatedKeys(object as MacvtapNetworkNodeState) : [];
  if (repeated.length > 0) return repeated;
  valid.add(object as object);
  return [];
}

/**
 * Returns the lists of a node state in which two items have the same key. The API server does not check this, because
 * it treats these lists as atomic.
 */
function findRepeatedKeys({ status = {} }: MacvtapNetworkNodeState): readonly SchemaFault[] {
  const lists: [path: (string | number)[], items: unknown][] = [];
  for (const [list, items] of Object.entries(status)) lists.push([['status', list], items]);
  for (const [index, { heldElsewhere }] of status.resources?.entries() ?? []) {
    if (heldElsewhere) lists.push([['status', 'resources', index, 'heldElsewhere'], heldElsewhere]);
  }
  const isRepeated = (items: unknown) => Array.isArray(items) && new Set(items.map(keyOf)).size < items.length;
  const message = 'two items have the same key; remove one';
  return lists.flatMap(([path, items]) => (isRepeated(items) ? [{ path, text: pathText(path), message }] : []));
}

function keyOf({ name, code, parent, mode }: Readonly<Record<string, string>>): string {
  return name ?? code ?? `${parent} ${mode}`;
}

function toFault(error: ErrorObject): SchemaFault {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  if (error.keyword === 'additionalProperties') path.push(String(error.params.additionalProperty));
  if (error.keyword === 'required') path.push(String(error.params.missingProperty));
  return { path, text: pathText(path), message: messageOf(error) };
}

/** Returns a path as text, such as `spec.parentSelector[0].mode`. */
export function pathText(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

/** The requirement of each pattern in the schemas, in words. A test checks that none is missing. */
export const patternWords: Readonly<Record<string, string>> = {
  '^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$': 'use A-Z a-z 0-9 . _ -, and start and end with a letter or digit',
  '^[^\\s/:]+$': 'interface names cannot contain spaces, slashes or colons',
  '^(0x)?[0-9A-Fa-f]{4}$': 'write four hexadecimal digits, in quotes',
  '^[0-9a-f]{4}$': 'write four hexadecimal digits in lower case, in quotes',
  '^[0-9]{1,4}[smh]$': 'write a whole number of at most four digits with s, m or h, for example 30s',
};

function messageOf({ keyword, params, message, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case 'additionalProperties':
      return 'no such field; remove it or correct its name';
    case 'required':
      return 'missing; add it';
    case 'enum':
      return `write one of ${params.allowedValues.join(', ')}`;
    case 'type':
      return params.type === 'string' ? 'not a string; write it in quotes' : `not of type ${params.type}`;
    case 'pattern':
      return patternWords[params.pattern] ?? `does not match ${params.pattern}`;
    case 'minimum':
    case 'maximum':
      return `write a number ${rangeText(parentSchema)}`;
    case 'minLength':
      return 'empty; set a value, or remove the field if it is optional';
    case 'maxLength':
      return `longer than ${params.limit} characters; shorten it`;
    case 'maxItems':
      return `more than ${params.limit} items; split them over several objects`;
    case 'maxProperties':
      return `more than ${params.limit} entries; remove some`;
    case 'minItems':
    case 'minProperties':
      return 'empty; add at least one, or remove the field if it is optional';
    default:
      return message ?? keyword;
  }
}

function rangeText({ minimum, maximum }: Readonly<Record<string, unknown>> = {}): string {
  return maximum === undefined ? `from ${minimum} up` : `from ${minimum} to ${maximum}`;
}

/** Decodes a token of a JSON Pointer (RFC 6901): ~1 means a slash, and ~0 a tilde. Digits mean an index. */
function unescapePointer(token: string): string | number {
  return /^\d+$/.test(token) ? Number(token) : token.replaceAll('~1', '/').replaceAll('~0', '~');
}
