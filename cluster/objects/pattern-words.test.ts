// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CrdKind, crdFiles, type OpenApiSchema, readCrdSchema } from './crd-schema.ts';
import { patternWords } from './schema-faults.ts';

test('every pattern of a schema has a description in words, and every description has a pattern', () => {
  const patterns = (Object.keys(crdFiles) as CrdKind[]).flatMap((kind) => patternsOf(readCrdSchema(kind)));
  assert.deepEqual([...new Set(patterns)].sort(), Object.keys(patternWords).sort());
});

function patternsOf(schema: OpenApiSchema): readonly string[] {
  const below = [...Object.values(schema.properties ?? {}), ...(schema.items === undefined ? [] : [schema.items])];
  return [...(typeof schema.pattern === 'string' ? [schema.pattern] : []), ...below.flatMap(patternsOf)];
}
