// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutText, limitWarnings } from './limit-warnings.ts';

function lengthOf(text: string): number {
  return [...text].length;
}

test('what is short stays as it is, in its order', () => {
  assert.deepEqual(limitWarnings(['b', 'a', 'c']), ['b', 'a', 'c']);
  assert.equal(cutText('x'.repeat(256), 256), 'x'.repeat(256));
});

test('a long warning is cut to 256 characters, not through one', () => {
  assert.equal(cutText('x'.repeat(257), 256), `${'x'.repeat(255)}…`);
  assert.equal(cutText('🙂'.repeat(256), 256), '🙂'.repeat(256), 'a character of two units is one');
  assert.equal(cutText('🙂'.repeat(257), 256), `${'🙂'.repeat(255)}…`);
  assert.equal(cutText(`${'x'.repeat(255)}🙂x`, 256), `${'x'.repeat(255)}…`);
});

test('a text has no line breaks, control characters or halves of characters: Go refuses a header with them', () => {
  assert.equal(cutText('a\r\nWarning: 299 forged\u0000\u001b[31m\u2028b\u007f', 99), 'a Warning: 299 forged [31m b ');
  assert.equal(cutText('a\ud83dz', 99), 'a\ufffdz');
});

test('of too many the first are kept, and the last one says how many were left out', () => {
  const texts = Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(300)}`);
  const warnings = limitWarnings(texts);
  assert.equal(warnings.at(-1), `… ${100 - (warnings.length - 1)} more warnings were left out`);
  assert.equal(warnings[0], cutText(texts[0] as string, 256));
  assert.equal(warnings.length, 16);
});

test('the same warning is told once', () => {
  assert.deepEqual(limitWarnings(['a', 'b', 'a']), ['a', 'b']);
});

test('whatever the texts are, each has at most 256 characters and all at most 4,096', () => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 600, size: 'max' }), { maxLength: 60, size: 'max' });
  fc.assert(
    fc.property(texts, (input) => {
      const warnings = limitWarnings(input);
      assert.ok(warnings.every((text) => lengthOf(text) <= 256 && text.isWellFormed() && !/[\p{Cc}]/u.test(text)));
      assert.ok(warnings.reduce((sum, text) => sum + lengthOf(text), 0) <= 4_096);
    }),
    { numRuns: 50 },
  );
});
