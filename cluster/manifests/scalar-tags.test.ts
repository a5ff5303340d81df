// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kubectlScalars } from '../../test/fixtures/kubectl-scalars.ts';
import { parseDocuments } from './parse-documents.ts';

describe('a value of a manifest', () => {
  for (const [written, value] of kubectlScalars) {
    it(`is read like in kubectl: ${written}`, () => assert.deepEqual(read(`a: ${written}`), { a: value }));
  }

  it('is the same for every YAML version that the file declares', () => {
    assert.deepEqual(read('%YAML 1.1\n---\na: [yes, 017, 12:30]'), { a: [true, 15, '12:30'] });
  });
});

function read(text: string): unknown {
  const [document] = parseDocuments(`${text}\n`);
  return document !== undefined && 'value' in document.content ? document.content.value : document;
}
