// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** A structural OpenAPI v3 schema as it stands in a CRD; keywords beyond these are kept as they are. */
export interface OpenApiSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly items?: OpenApiSchema;
  readonly additionalProperties?: boolean | OpenApiSchema;
  readonly [keyword: string]: unknown;
}

/** Kinds of ours whose shape a CRD of the chart defines, with the file that holds it: written out, for the bundler. */
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

/** The schema of a kind's served version, read from the chart: the only place where the shape is written. */
export function readCrdSchema(kind: CrdKind): OpenApiSchema {
  const file = crdFiles[kind];
  const crd: { spec: { versions: { schema: { openAPIV3Schema: OpenApiSchema } }[] } } = parse(
    readFileSync(file, 'utf8'),
    { maxAliasCount: -1 },
  );
  const version = crd.spec.versions[0];
  if (version === undefined) throw new Error(`${file.pathname}: no version`);
  return version.schema.openAPIV3Schema;
}

/**
 * Refuses what the schema does not name. A structural schema cannot say `additionalProperties: false` beside
 * `properties`; kubectl refuses unknown fields by its strict validation, and files are held to the same.
 */
export function closeSchema(schema: OpenApiSchema, atRoot = true): OpenApiSchema {
  const closed: Record<string, unknown> = { ...schema };
  // What has no type takes null anyway; beside a type the validator of files knows the word.
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
