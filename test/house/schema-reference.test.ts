// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { crdFiles, type OpenApiSchema, readCrdSchema } from '../../cluster/objects/crd-schema.ts';
import { renderSchemaReference, schemaPages, writtenPart } from './schema-reference.ts';
import { root } from './source-files.ts';

test('every kind of the CRDs has a reference page', () => {
  assert.deepEqual(schemaPages.map(({ kind }) => kind).sort(), Object.keys(crdFiles).sort());
});

for (const page of schemaPages) {
  test(`${page.page} matches the schema of ${page.kind}; if not, run npm run generate`, () => {
    const text = readFileSync(`${root}${page.page}`, 'utf8');
    const schema = readCrdSchema(page.kind);
    assert.equal(text, `${writtenPart(text, page)}\n${renderSchemaReference(schema)}`);
    for (const name of fieldsOf(schema)) assert.ok(text.includes(`| \`${name}\` `), `no row of ${name}`);
  });
}

test('a field shows its type with its limits, its default, and the validation rules of the API server', () => {
  const schema: OpenApiSchema = {
    properties: {
      spec: {
        description: 'The wish.',
        required: ['list'],
        'x-kubernetes-validations': [{ rule: 'x', message: 'one of both' }],
        properties: {
          list: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', maxLength: 5 } },
          mode: { type: 'string', enum: ['a', 'b'], default: 'a', description: 'Last part of x/<name>.' },
          many: { type: 'array', items: { properties: { count: { type: 'integer', minimum: 1 } } } },
        },
      },
    },
  };
  const lines = renderSchemaReference(schema).replaceAll(/ +/g, ' ').split('\n');
  assert.deepEqual(
    lines.filter((line) => line !== '' && !line.startsWith('| -')),
    [
      '## `spec`',
      'The wish.',
      '| field | type | default | meaning |',
      '| `list` | list of 1 to 3 strings, each at most 5 characters | required | |',
      '| `mode` | `a`, `b` | `a` | Last part of x/`<name>`. |',
      '| `many` | list of objects | | |',
      'The API server also enforces:',
      '- one of both',
      '## `spec.many[]`',
      '| field | type | default | meaning |',
      '| `count` | integer, at least 1 | | |',
    ],
  );
});

/** Returns the names of all fields below spec and status, at any depth. */
function fieldsOf({ properties = {}, items }: OpenApiSchema, atRoot = true): readonly string[] {
  const own = atRoot ? [] : Object.keys(properties);
  const below = Object.values(properties).flatMap((property) => fieldsOf(property, false));
  return [...own, ...below, ...(items === undefined ? [] : fieldsOf(items, false))];
}
