// SPDX-License-Identifier: Apache-2.0
// Generates the types of policy/api/ from the chart's CRDs. With --check, writes nothing and exits with 1 if a file
// differs.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import {
  type CrdKind,
  closeSchema,
  crdFiles,
  type OpenApiSchema,
  readCrdSchema,
} from '../cluster/objects/crd-schema.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
let stale = 0;
for (const kind of Object.keys(crdFiles) as CrdKind[]) {
  const file = new URL(`../policy/api/${fileName(kind)}.ts`, import.meta.url);
  const text = await render(kind, readCrdSchema(kind));
  if (!values.check) {
    writeFileSync(file, text);
  } else if (readIfThere(file) !== text) {
    stale += 1;
    console.error(`${file.pathname} differs from the CRD: run npm run generate`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;

async function render(kind: CrdKind, schema: OpenApiSchema): Promise<string> {
  const types = await compile(forTypes(closeSchema(schema)) as JSONSchema, kind, {
    bannerComment: `// SPDX-License-Identifier: Apache-2.0\n// Generated from ${basename(crdFiles[kind].pathname)} by npm run generate; not to be edited.`,
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, printWidth: 120 },
  });
  return (
    types
      .replaceAll(/^( +)(\w+\??: )/gm, '$1readonly $2')
      .replaceAll(/: (\w+)\[\];$/gm, ': readonly $1[];')
      .replaceAll(/^( *\* )(.*)$/gm, (_, start: string, text: string) => wrap(start, text)) + constants(kind, schema)
  );
}

/** Breaks a line of a comment at spaces, so that each part fits 120 columns. */
function wrap(start: string, text: string): string {
  const lines = text.match(new RegExp(`\\S.{0,${119 - start.length}}(?= |$)`, 'g')) ?? [text];
  return lines.map((line) => `${start}${line}`).join('\n');
}

/**
 * Prepares a schema for the generator. Untyped fields (`x-kubernetes-preserve-unknown-fields`) become `unknown`. Limits
 * and defaults are removed.
 */
function forTypes(schema: OpenApiSchema): OpenApiSchema {
  const { default: _default, minItems: _minItems, maxItems: _maxItems, ...rest } = schema;
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return { tsType: 'unknown' };
  return {
    ...rest,
    ...(schema.properties && {
      properties: Object.fromEntries(Object.entries(schema.properties).map(([name, value]) => [name, forTypes(value)])),
    }),
    ...(schema.items && { items: forTypes(schema.items) }),
    ...(typeof schema.additionalProperties === 'object' && {
      additionalProperties: forTypes(schema.additionalProperties),
    }),
  };
}

/** Returns the source of a constant that maps paths to the defaults of the schema: `{ 'spec.priority': 99, … }`. */
function constants(kind: CrdKind, schema: OpenApiSchema): string {
  const defaults = Object.fromEntries(defaultsOf(schema, ''));
  const name = `${kind[0]?.toLowerCase()}${kind.slice(1)}Defaults`;
  const lines = Object.entries(defaults).map(
    ([path, value]) => `  '${path}': ${JSON.stringify(value).replaceAll('"', "'")},`,
  );
  return `\n/** Defaults that the schema states, by path. */\nexport const ${name} = {\n${lines.join('\n')}\n} as const;\n`;
}

function defaultsOf(schema: OpenApiSchema, path: string): [string, unknown][] {
  const own: [string, unknown][] = schema.default === undefined ? [] : [[path, schema.default]];
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    defaultsOf(property, path === '' ? name : `${path}.${name}`),
  );
  const items = schema.items === undefined ? [] : defaultsOf(schema.items, `${path}[]`);
  return [...own, ...below, ...items];
}

function fileName(kind: CrdKind): string {
  return kind.replaceAll(/(?<=.)[A-Z]/g, '-$&').toLowerCase();
}

function readIfThere(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
