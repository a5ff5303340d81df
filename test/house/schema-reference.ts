// SPDX-License-Identifier: Apache-2.0
import type { CrdKind, OpenApiSchema } from '../../cluster/objects/crd-schema.ts';

/** A page of docs/ whose last part is generated from a schema of the chart. */
export interface SchemaPage {
  readonly kind: CrdKind;
  readonly page: string;
}

export const schemaPages: readonly SchemaPage[] = [
  { kind: 'MacvtapNetworkNodePolicy', page: 'docs/reference/policy.md' },
  { kind: 'MacvtapNetworkNodeState', page: 'docs/reference/node-state.md' },
];

/** The line that starts the generated part of a page. `npm run generate` overwrites everything below it. */
export const madeBelow =
  '<!-- Below this line everything is made from the schema by npm run generate: edit the schema instead. -->\n';

/**
 * Returns the handwritten part of a page, including the line that ends it. Throws if that line is missing or repeated.
 */
export function writtenPart(text: string, { page }: SchemaPage): string {
  const [written, ...made] = text.split(madeBelow);
  if (written === undefined || made.length !== 1) throw new Error(`${page}: not one line ${madeBelow}`);
  return written + madeBelow;
}

/** An object in the schema, and the path to it: `spec.parentSelector[]`. */
interface Level {
  readonly path: string;
  readonly schema: OpenApiSchema;
}

/** Renders one heading and one table for each object of the schema, starting with `spec` and `status`. */
export function renderSchemaReference(schema: OpenApiSchema): string {
  return levelsOf({ path: '', schema })
    .filter(({ path }) => path !== '')
    .map(renderLevel)
    .join('\n');
}

function levelsOf(level: Level): readonly Level[] {
  const below = Object.entries(level.schema.properties ?? {}).flatMap(([name, property]) => {
    const path = level.path === '' ? name : `${level.path}.${name}`;
    const found = objectOf(property);
    return found === undefined ? [] : levelsOf({ path: path + found.suffix, schema: found.schema });
  });
  return [level, ...below];
}

/**
 * Returns the schema of a property that is an object. For a list of objects, returns the schema of its items and the
 * suffix `[]`. Returns undefined for any other property.
 */
function objectOf(property: OpenApiSchema): { readonly suffix: string; readonly schema: OpenApiSchema } | undefined {
  if (property.properties !== undefined) return { suffix: '', schema: property };
  return property.items?.properties === undefined ? undefined : { suffix: '[]', schema: property.items };
}

function renderLevel({ path, schema }: Level): string {
  const required = (schema.required ?? []) as readonly string[];
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    `\`${name}\``,
    describeType(property),
    describeDefault(property, required.includes(name)),
    (property.description ?? '').replaceAll('|', '\\|').replaceAll(/<(\w+)>/g, '`<$1>`'),
  ]);
  const rules = ((schema['x-kubernetes-validations'] ?? []) as readonly { message: string }[]).map(
    ({ message }) => `- ${message}\n`,
  );
  const intro = schema.description === undefined ? '' : `${schema.description}\n\n`;
  const table = renderTable([['field', 'type', 'default', 'meaning'], ...rows]);
  return `## \`${path}\`\n\n${intro}${table}${rules.length === 0 ? '' : `\nThe API server also enforces:\n\n${rules.join('')}`}`;
}

function describeType(property: OpenApiSchema): string {
  const { type, items = {}, additionalProperties, minItems, maxItems } = property;
  if (property.enum !== undefined)
    return (property.enum as readonly unknown[]).map((value) => `\`${value}\``).join(', ');
  if (type === 'array') {
    const many = ['list of', range(minItems, maxItems), `${items.properties ? 'object' : nameOf(items)}s`];
    const each = limits(items);
    return `${many.filter((word) => word !== '').join(' ')}${each === '' ? '' : `, each${each.slice(1)}`}`;
  }
  return typeof additionalProperties === 'object' ? 'map' : nameOf(property) + limits(property);
}

/** Returns the name of a type. A schema without a type is text that may be written without quotes. */
function nameOf({ type = 'string', format }: OpenApiSchema): string {
  return format === 'date-time' ? 'time' : type;
}

/** Returns the limits of a schema, such as `, 1 to 63 characters, \`^[a-z]+$\``; empty if the schema has none. */
function limits({ minimum, maximum, minLength, maxLength, pattern }: OpenApiSchema): string {
  const characters = range(minLength, maxLength);
  return [
    range(minimum, maximum),
    characters === '' ? '' : `${characters} characters`,
    pattern === undefined ? '' : `\`${String(pattern).replaceAll('|', '\\|')}\``,
  ]
    .filter((text) => text !== '')
    .map((text) => `, ${text}`)
    .join('');
}

function range(from: unknown, to: unknown): string {
  if (from === undefined) return to === undefined ? '' : `at most ${to}`;
  return to === undefined ? `at least ${from}` : `${from} to ${to}`;
}

function describeDefault(property: OpenApiSchema, isRequired: boolean): string {
  if (isRequired) return 'required';
  return property.default === undefined ? '' : `\`${JSON.stringify(property.default).replaceAll('"', '')}\``;
}

/** Renders a table in which each column is as wide as its widest cell. */
function renderTable(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const render = (line: readonly string[]) =>
    `| ${widths.map((width, column) => (line[column] ?? '').padEnd(width)).join(' | ')} |\n`;
  const [head = [], ...rest] = lines;
  return [head, widths.map((width) => '-'.repeat(width)), ...rest].map(render).join('');
}
