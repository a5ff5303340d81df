// SPDX-License-Identifier: Apache-2.0
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type CrdKind, closeSchema, readCrdSchema } from './crd-schema.ts';

/** One place of an object that its schema refuses: `path` as keys and indexes, `text` the same for a person. */
export interface SchemaFault {
  readonly path: readonly (string | number)[];
  readonly text: string;
  readonly message: string;
}

// OpenAPI's integer formats are bounds that the numbers here never reach; date-time is the API server's to check.
const ajv = new Ajv({
  strict: false,
  allErrors: true,
  verbose: true,
  formats: { int32: true, int64: true, 'date-time': true },
});
ajv.addKeyword({ keyword: 'x-kubernetes-list-map-keys', type: 'array', validate: hasUniqueKeys });
const validators = new Map<CrdKind, ValidateFunction>();

/** Everything in which an object differs from the schema that the chart's CRD gives its kind. */
export function schemaFaults(kind: CrdKind, object: unknown): readonly SchemaFault[] {
  const validate = validators.get(kind) ?? ajv.compile(closeSchema(readCrdSchema(kind)));
  validators.set(kind, validate);
  return validate(object) ? [] : (validate.errors ?? []).map(toFault);
}

/** What an API server says of a map list: no two items have the same keys. Items without them have faults of their own. */
function hasUniqueKeys(keys: readonly string[], items: readonly (Readonly<Record<string, unknown>> | null)[]): boolean {
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

/** `spec.parentSelector[0].mode`. */
export function pathText(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}

/** What the schemas' patterns ask for, in words. A test looks that each has some. */
export const patternWords: Readonly<Record<string, string>> = {
  '^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$': 'use A-Z a-z 0-9 . _ - and no mark at either end',
  '^[^\\s/:]+$': 'no interface can have spaces, slashes or colons in its name',
  '^(0x)?[0-9A-Fa-f]{4}$': 'write four hexadecimal digits, in quotes',
  '^[0-9a-f]{4}$': 'write four hexadecimal digits in lower case, in quotes',
};

function messageOf({ keyword, params, message, parentSchema }: ErrorObject): string {
  switch (keyword) {
    case 'additionalProperties':
      return 'no such field; remove it or mend its name';
    case 'required':
      return 'missing; add it';
    case 'enum':
      return `write one of ${params.allowedValues.join(', ')}`;
    case 'type':
      return params.type === 'string' ? 'not a string; write it in quotes' : `not of type ${params.type}`;
    case 'pattern':
      return patternWords[params.pattern] ?? `not of the form ${params.pattern}`;
    case 'minimum':
    case 'maximum':
      return `write a number ${rangeText(parentSchema)}`;
    case 'minLength':
      return 'empty; write something, or leave the field out where it may be absent';
    case 'maxLength':
      return `longer than ${params.limit} characters; shorten it`;
    case 'maxItems':
      return `more than ${params.limit} items; split them over several objects`;
    case 'maxProperties':
      return `more than ${params.limit}; leave some out`;
    case 'x-kubernetes-list-map-keys':
      return 'two items have the same key; remove one';
    case 'minItems':
    case 'minProperties':
      return 'empty; give at least one, or leave the field out where it may be absent';
    default:
      return message ?? keyword;
  }
}

function rangeText({ minimum, maximum }: Readonly<Record<string, unknown>> = {}): string {
  return maximum === undefined ? `from ${minimum} up` : `from ${minimum} to ${maximum}`;
}

/** JSON Pointer, RFC 6901: ~1 is a slash, ~0 a tilde; a number is an index. */
function unescapePointer(token: string): string | number {
  return /^\d+$/.test(token) ? Number(token) : token.replaceAll('~1', '/').replaceAll('~0', '~');
}
