// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { readCrdSchema } from '../../cluster/objects/crd-schema.ts';
import { renderSchemaReference, schemaPages, writtenPart } from './schema-reference.ts';
import { root } from './source-files.ts';

// Part of `npm run generate`: rewrites the reference of the CRDs.
for (const page of schemaPages) {
  const file = `${root}${page.page}`;
  const text = writtenPart(readFileSync(file, 'utf8'), page);
  writeFileSync(file, `${text}\n${renderSchemaReference(readCrdSchema(page.kind))}`);
}
