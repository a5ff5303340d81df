// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { parse } from 'yaml';
import { isJsonObject } from '../../policy/json.ts';

/** A structural OpenAPI v3 schema of a CRD. It may have further keywords. */
export interface OpenApiSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly items?: OpenApiSchema;
  readonly additionalProperties?: boolean | OpenApiSchema;
  readonly [keyword: string]: unknown;
}

/** The CRD file of each kind. The URLs are literals, so that the bundler can find them. */
export const crdFiles = {
  MacvtapNetworkNodePolicy: new URL(
    '../../charts/kube-macvtap/templates/crds/macvtapnetworknodepolicies.yaml',
    import.meta.url,
  ),
  MacvtapNetworkNodeState: new URL(
    '../../charts/kube-macvtap/templates/crds/macvtapnetworknodestates.yaml',
    import.meta.url,
  ),
} as const;

export type CrdKind = keyof typeof crdFiles;

const schemas = new Map<CrdKind, OpenApiSchema>();

/** Returns the schema of a kind's served version from the chart, which is read once. Schemas are defined only there. */
export function readCrdSchema(kind: CrdKind): OpenApiSchema {
  return schemas.getOrInsertComputed(kind, readFromChart);
}

function readFromChart(kind: CrdKind): OpenApiSchema {
  const file = crdFiles[kind];
  // An executable contains the file as an asset with the file's name.
  const text = isSea() ? getAsset(basename(file.pathname), 'utf8') : readFileSync(file, 'utf8');
  const crd: { spec: { versions: { schema: { openAPIV3Schema: OpenApiSchema } }[] } } = parse(text, {
    maxAliasCount: -1,
  });
  const version = crd.spec.versions[0];
  if (version === undefined) throw new Error(`${file.pathname}: no version`);
  return version.schema.openAPIV3Schema;
}

/**
 * Returns a schema that rejects unknown fields, like the strict validation of kubectl. The CRD itself cannot reject
 * them, because a structural schema must not have `additionalProperties: false` next to `properties`.
 */
export function closeSchema(schema: OpenApiSchema, atRoot = true): OpenApiSchema {
  const closed: Record<string, unknown> = { ...schema };
  // Without a type, null is always valid. The validator accepts `nullable` only next to a type.
  if (schema.type === undefined) delete closed.nullable;
  if (schema.properties !== undefined) {
    closed.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, closeSchema(property, false)]),
    );
    closed.additionalProperties = false;
  }
  if (schema.items !== undefined) closed.items = closeSchema(schema.items, false);
  if (typeof schema.additionalProperties === 'object') {
    closed.additionalProperties = closeSchema(schema.additionalProperties, false);
  }
  if (atRoot) closed.required = ['apiVersion', 'kind', 'metadata', ...((schema.required as string[]) ?? [])];
  return closed;
}

/**
 * Removes the fields that this version of the schema does not have, as an API server with this version of the CRD does.
 * A newer CRD adds only optional fields, so the object stays valid without them. A value without such fields is not
 * copied, because parsed JSON takes less memory than a copy.
 */
export function pruneFields(kind: CrdKind, object: Record<string, unknown>): Record<string, unknown> {
  const schema = readCrdSchema(kind);
  const { metadata, ...rest } = object;
  return { ...(prune(schema, rest) as Record<string, unknown>), metadata };
}

function prune(schema: OpenApiSchema, value: unknown): unknown {
  // Nearly all values are whole. Checking that first creates no garbage.
  if (isWhole(schema, value)) return value;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => prune(items, item));
  }
  const fields = Object.entries(value as Record<string, unknown>);
  return Object.fromEntries(
    fields.flatMap(([name, field]) => {
      const fieldSchema = schemaOf(schema, name);
      return fieldSchema === undefined ? [] : [[name, prune(fieldSchema, field)] as const];
    }),
  );
}

/** Returns whether a value has no field that the schema lacks. */
function isWhole(schema: OpenApiSchema, value: unknown): boolean {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined || value.every((item) => isWhole(items, item));
  }
  if (!isJsonObject(value) || schema['x-kubernetes-preserve-unknown-fields'] === true) return true;
  if (schema.properties === undefined && typeof schema.additionalProperties !== 'object') return true;
  for (const name of Object.keys(value)) {
    const fieldSchema = schemaOf(schema, name);
    if (fieldSchema === undefined || !isWhole(fieldSchema, value[name])) return false;
  }
  return true;
}

/** Returns the schema of a field, or undefined if the field is unknown. */
function schemaOf({ properties, additionalProperties }: OpenApiSchema, name: string): OpenApiSchema | undefined {
  if (properties !== undefined) return Object.hasOwn(properties, name) ? properties[name] : undefined;
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}
