// SPDX-License-Identifier: Apache-2.0
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
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
ajv.addKeyword({ keyword: 'x-kubernetes-list-map-keys', type: 'array', validate: hasUniqueKeys });
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
  valid.add(object as object);
  return [];
}

/** Returns whether all items of a map list have different keys. `required` in the schema rejects items without keys. */
function hasUniqueKeys(keys: readonly string[], items: readonly (Readonly<Record<string, unknown>> | null)[]): boolean {
  const [only] = keys;
  // Most lists have one key, which is a text. These texts are compared directly, because this check runs for each list
  // of each node.
  if (keys.length === 1 && only !== undefined && items.every((item) => typeof item?.[only] === 'string')) {
    return new Set(items.map((item) => item?.[only])).size === items.length;
  }
  const identities = items
    .map((item) => keys.map((key) => item?.[key]))
    .filter((identity) => !identity.includes(undefined))
    .map((identity) => JSON.stringify(identity));
  return new Set(identities).size === identities.length;
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
    case 'x-kubernetes-list-map-keys':
      return 'two items have the same key; remove one';
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
