// SPDX-License-Identifier: Apache-2.0
// Generates the types of policy/api/ from the chart's CRDs, and the codecs next to the .proto files. With --check,
// writes nothing and exits with 1 if a file differs.
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
const root = fileURLToPath(new URL('..', import.meta.url));

const banner = (source: string) =>
  `// SPDX-License-Identifier: Apache-2.0\n// Generated from ${source} by npm run generate; not to be edited.`;

/** The options of ts-proto. */
const codecOptions = [
  'fileSuffix=.pb',
  'snakeToCamel=false',
  'forceLong=number',
  'useNullAsOptional=true',
  'useReadonlyTypes=true',
  'outputServices=grpc-js',
  'outputClientImpl=false',
  'outputJsonMethods=false',
  'outputPartialMethods=false',
  'exportCommonSymbols=false',
  'importSuffix=.ts',
  'esModuleInterop=true',
  'env=node',
];

let stale = 0;
for (const kind of Object.keys(crdFiles) as CrdKind[]) {
  put(`policy/api/${fileName(kind)}.ts`, await render(kind, readCrdSchema(kind)));
}
for (const file of globSync('{nodeplugin,test}/**/*.proto', { cwd: root })) {
  put(file.replace(/\.proto$/, '.pb.ts'), generateCodec(file));
}
process.exitCode = stale === 0 ? 0 : 1;

/** Writes a generated file, or with --check, compares it. */
function put(path: string, text: string): void {
  const file = join(root, path);
  if (!values.check) {
    writeFileSync(file, text);
  } else if (readIfThere(file) !== text) {
    stale += 1;
    console.error(`${path} differs from its source: run npm run generate`);
  }
}

/**
 * Generates the types, codecs and service definitions of a .proto file. Field names keep the spelling of the file,
 * because `available_deviceIDs` cannot be converted to camel case and back. 64-bit numbers become JavaScript numbers.
 * When a message is decoded, absent fields get their default value, absent messages become null, and unknown fields are
 * skipped.
 */
function generateCodec(file: string): string {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'kmt-codec-'));
  const plugin = join(root, 'node_modules/ts-proto/protoc-gen-ts_proto');
  const template = { version: 'v2', plugins: [{ local: [process.execPath, plugin], out: '.', opt: codecOptions }] };
  const buf = join(root, 'node_modules/.bin/buf');
  execFileSync(buf, ['generate', join(root, file), '--template', JSON.stringify(template), '-o', folder.path]);
  const text = readFileSync(join(folder.path, `${basename(file, '.proto')}.pb.ts`), 'utf8');
  // The first lines name the versions of the tools. The licence of the .proto file is repeated in a comment.
  const code = text.slice(text.indexOf('import ')).replace(/^\/\*\*\n \* SPDX-License-Identifier[\s\S]*?\*\/\n/m, '');
  return `${banner(basename(file))}\n${code}`;
}

async function render(kind: CrdKind, schema: OpenApiSchema): Promise<string> {
  const types = await compile(forTypes(closeSchema(schema)) as JSONSchema, kind, {
    bannerComment: banner(basename(crdFiles[kind].pathname)),
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

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
