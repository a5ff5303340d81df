// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findKey } from './find-key.ts';

const text = '{"a": 1, "b": {"a": [{"c": "}"}, {"c": 2}]}, "d": [[1], [2, 3]]}';

const cases = [
  { path: ['a'], at: '"a": 1' },
  { path: ['b'], at: '"b"' },
  { path: ['b', 'a', 0, 'c'], at: '"c": "}"' },
  { path: ['b', 'a', 1], at: '{"c": 2}' },
  { path: ['b', 'a', 1, 'c'], at: '"c": 2' },
  { path: ['d', 1, 1], at: '3' },
  { path: ['b', 'z', 'c'], at: '"b"' },
  { path: ['z'], at: '{"a": 1' },
] as const;

describe('a key of a JSON text', () => {
  for (const { path, at } of cases) {
    it(`is found where it, or the nearest around it, stands: ${path.join('.')}`, () => {
      assert.equal(findKey(text, path), text.indexOf(at));
    });
  }

  it('that stands twice is the last one, and what is in it is in the last one', () => {
    assert.equal(findKey('{"a": 1, "a": 2}', ['a']), 9);
    assert.equal(findKey('{"a": {"b": 1}, "a": {}}', ['a', 'b']), 16);
  });

  it('is found however deep the text is', () => {
    const deep = `{"a": ${'['.repeat(9_000)}${']'.repeat(9_000)}, "b": 1}`;
    assert.equal(findKey(deep, ['b']), deep.indexOf('"b"'));
  });
});
