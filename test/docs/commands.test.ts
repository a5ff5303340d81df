// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { docBlocks, proofOf } from '../house/doc-blocks.ts';
import { runBlock } from './run-block.ts';

for (const block of docBlocks()) {
  const proof = proofOf(block);
  if (proof === undefined || !('runs' in proof) || proof.runs !== 'here') continue;
  const { page, line, firstLine } = block;
  test(`${page}:${line} runs as documented: ${firstLine}`, () => runBlock(block, proof));
}

test('a page with output that the command does not print is detected', () => {
  const block = { page: 'x.md', line: 1, language: 'console', firstLine: '$ echo a', text: '$ echo a\nb' } as const;
  assert.throws(() => runBlock(block, {}), /x\.md:1: echo a\nprints\na\nand not\nb/);
  assert.throws(() => runBlock({ ...block, text: '$ exit 3' }, {}), /ended with 3 instead of 0/);
});
