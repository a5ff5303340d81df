// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type CrdKind, closeSchema, crdFiles, type OpenApiSchema, readCrdSchema } from './crd-schema.ts';

describe('the schemas of the chart', () => {
  for (const kind of Object.keys(crdFiles) as CrdKind[]) {
    it(`of ${kind} is structural: every place has a type or says that it has none`, () => {
      assert.deepEqual(untyped(readCrdSchema(kind), kind), []);
    });
  }

  it('are what the generated types were made from', async () => {
    const script = new URL('generate-types.ts', import.meta.url).pathname;
    const { stderr } = await promisify(execFile)(process.execPath, [script, '--check']);
    assert.equal(stderr, '');
  });

  it('once closed, name every field that they take', () => {
    const closed = closeSchema({
      type: 'object',
      properties: { a: { type: 'array', items: { properties: {} } } },
      required: ['a'],
    });
    assert.deepEqual(closed.required, ['apiVersion', 'kind', 'metadata', 'a']);
    assert.equal(closed.additionalProperties, false);
    assert.equal(closed.properties?.a?.items?.additionalProperties, false);
  });
});

function untyped(schema: OpenApiSchema, path: string): readonly string[] {
  const own = schema.type === undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true ? [path] : [];
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    untyped(property, `${path}.${name}`),
  );
  const items = schema.items === undefined ? [] : untyped(schema.items, `${path}[]`);
  const others =
    typeof schema.additionalProperties === 'object' ? untyped(schema.additionalProperties, `${path}.*`) : [];
  return [...own, ...below, ...items, ...others];
}
