// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conditionReasons } from '../../policy/status/decide-status.ts';
import { type OpenApiSchema, readCrdSchema } from './crd-schema.ts';

const schema = readCrdSchema('MacvtapNetworkNodePolicy');

describe('the schema of a policy', () => {
  it('describes every field, so that kubectl explain shows it', () => {
    const fields = fieldsOf(schema, '').filter(([path]) => path !== 'metadata');
    assert.ok(fields.length > 50);
    assert.deepEqual(
      fields.filter(([, { description = '' }]) => !/^\w.*\.$/.test(description)).map(([path]) => path),
      [],
    );
  });

  it('keeps null as the value of a label: if it were dropped silently, the policy would select more nodes', () => {
    const untyped = fieldsOf(schema, '').filter(([, field]) => field['x-kubernetes-preserve-unknown-fields'] === true);
    assert.ok(untyped.length > 0);
    assert.deepEqual(
      untyped.filter(([, field]) => field.nullable !== true).map(([path]) => path),
      [],
    );
  });

  it('limits every list and map, because the cost of CEL rules and of readers depends on the limits', () => {
    const unbounded = fieldsOf(schema.properties?.spec ?? {}, 'spec').filter(([, field]) => {
      const isMap = typeof field.additionalProperties === 'object';
      return (field.type === 'array' && field.maxItems === undefined) || (isMap && field.maxProperties === undefined);
    });
    assert.deepEqual(
      unbounded.map(([path]) => path),
      [],
    );
  });

  it('accepts exactly the existing reasons of conditions', () => {
    const reason = new Map(fieldsOf(schema, '')).get('status.conditions[].reason');
    assert.deepEqual(reason?.enum, Object.keys(conditionReasons));
  });
});

/** Returns every path of a schema that can have a value. Items of lists of plain values are not included. */
function fieldsOf(parent: OpenApiSchema, path: string): readonly (readonly [string, OpenApiSchema])[] {
  const named = Object.entries(parent.properties ?? {}).map(
    ([name, field]) => [path === '' ? name : `${path}.${name}`, field] as const,
  );
  const items = parent.items?.type === 'object' || parent.items?.description !== undefined ? parent.items : undefined;
  const values = typeof parent.additionalProperties === 'object' ? parent.additionalProperties : undefined;
  const below = [
    ...named,
    ...(items === undefined ? [] : [[`${path}[]`, items] as const]),
    ...(values === undefined ? [] : [[`${path}.*`, values] as const]),
  ];
  return below.flatMap(([place, field]) => [[place, field] as const, ...fieldsOf(field, place)]);
}
