// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clipNote } from './clip-note.ts';

describe('the text of an event', () => {
  it('that fits stays as it is', () => {
    assert.equal(clipNote('a'.repeat(1_024)), 'a'.repeat(1_024));
  });

  for (const [what, text] of [
    ['letters', 'a'.repeat(1_025)],
    ['characters of three bytes', '€'.repeat(600)],
    ['characters of four bytes', `a${'😀'.repeat(600)}`],
  ] as const) {
    it(`that is too long is cut between ${what}, and shows it`, () => {
      const note = clipNote(text);
      const bytes = Buffer.byteLength(note);
      assert.ok(bytes <= 1_024 && bytes > 1_016, `${bytes}`);
      assert.ok(note.endsWith('…') && note.isWellFormed());
      assert.ok(text.startsWith(note.slice(0, -1)));
    });
  }

  it('is one line of whole characters', () => {
    assert.equal(clipNote('one\r\n\ttwo\0 \ud800\n'), 'one two  �');
  });
});
