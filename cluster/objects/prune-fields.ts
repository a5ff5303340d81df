// SPDX-License-Identifier: Apache-2.0
import { type CrdKind, type OpenApiSchema, readCrdSchema } from './crd-schema.ts';
import { isRecord } from './known-object.ts';

const schemas = new Map<CrdKind, OpenApiSchema>();

/**
 * Leaves out the fields that this version's schema does not know, as an API server with this version's CRD would. One with
 * a newer CRD hands out fields that are optional by its promise, so an object with them is no worse than without. What
 * has no such field is not copied: what was parsed of JSON takes less memory than a copy.
 */
export function pruneFields(kind: CrdKind, object: Record<string, unknown>): Record<string, unknown> {
  const schema = schemas.getOrInsertComputed(kind, readCrdSchema);
  const { metadata, ...rest } = object;
  return { ...(prune(schema, rest) as Record<string, unknown>), metadata };
}

function prune(schema: OpenApiSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : pruneItems(items, value);
  }
  if (!isRecord(value) || schema['x-kubernetes-preserve-unknown-fields'] === true) return value;
  const { properties, additionalProperties } = schema;
  if (properties !== undefined) {
    return pruneEach(value, (name) => (Object.hasOwn(properties, name) ? properties[name] : undefined));
  }
  return typeof additionalProperties === 'object' ? pruneEach(value, () => additionalProperties) : value;
}

function pruneItems(schema: OpenApiSchema, items: readonly unknown[]): readonly unknown[] {
  const pruned = items.map((item) => prune(schema, item));
  return pruned.every((item, index) => item === items[index]) ? items : pruned;
}

/** Without the fields that have no schema. */
function pruneEach(
  object: Record<string, unknown>,
  schemaOf: (name: string) => OpenApiSchema | undefined,
): Record<string, unknown> {
  const fields = Object.entries(object);
  const pruned = fields.flatMap(([name, field]) => {
    const schema = schemaOf(name);
    return schema === undefined ? [] : [[name, prune(schema, field)] as const];
  });
  const isWhole = pruned.length === fields.length && pruned.every(([, field], index) => field === fields[index]?.[1]);
  return isWhole ? object : Object.fromEntries(pruned);
}
