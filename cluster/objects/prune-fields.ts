// SPDX-License-Identifier: Apache-2.0
import { type CrdKind, type OpenApiSchema, readCrdSchema } from './crd-schema.ts';
import { isRecord } from './known-object.ts';

const schemas = new Map<CrdKind, OpenApiSchema>();

/**
 * Leaves out the fields that this version's schema does not know, as an API server with this version's CRD would. One with
 * a newer CRD hands out fields that are optional by its promise, so an object with them is no worse than without.
 */
export function pruneFields(kind: CrdKind, object: Record<string, unknown>): Record<string, unknown> {
  const schema = schemas.getOrInsertComputed(kind, readCrdSchema);
  const { metadata, ...rest } = object;
  return { ...(prune(schema, rest) as Record<string, unknown>), metadata };
}

function prune(schema: OpenApiSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => prune(items, item));
  }
  if (!isRecord(value) || schema['x-kubernetes-preserve-unknown-fields'] === true) return value;
  const { properties, additionalProperties } = schema;
  if (properties !== undefined) {
    const known = Object.entries(value).filter(([name]) => Object.hasOwn(properties, name));
    return Object.fromEntries(known.map(([name, field]) => [name, prune(properties[name] as OpenApiSchema, field)]));
  }
  if (typeof additionalProperties !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, prune(additionalProperties, field)]));
}
