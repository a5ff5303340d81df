// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolvePath } from './resolve-path.ts';

const long = 'k'.repeat(60);
const value = {
  metadata: { annotations: { 'a.b/c': 1, a: { b: 1 }, 'x]y': 1 }, labels: { '': 1 } },
  list: [{ mode: 'bridge' }, null],
  [long]: { deep: 1 },
  text: '{"a":1}',
};

const cases: readonly { path: string; keys: readonly (string | number)[]; rest?: string }[] = [
  { path: '', keys: [] },
  { path: 'list[0].mode', keys: ['list', 0, 'mode'] },
  { path: 'metadata.annotations[a.b/c]', keys: ['metadata', 'annotations', 'a.b/c'] },
  { path: 'metadata.annotations.a.b/c', keys: ['metadata', 'annotations', 'a.b/c'] },
  { path: 'metadata.annotations.a.b', keys: ['metadata', 'annotations', 'a', 'b'] },
  { path: 'metadata.annotations[x]y]', keys: ['metadata', 'annotations', 'x]y'] },
  { path: `${'k'.repeat(40)}….deep`, keys: [long, 'deep'] },
  { path: 'text.a', keys: ['text'], rest: '.a' },
  { path: 'list[1].mode', keys: ['list', 1], rest: '.mode' },
  { path: 'list[2]', keys: ['list'], rest: '[2]' },
  { path: 'list.mode', keys: ['list'], rest: '.mode' },
  { path: 'lis', keys: [], rest: 'lis' },
  { path: 'metadata.annotations[missing]', keys: ['metadata', 'annotations'], rest: '[missing]' },
  { path: 'constructor.name', keys: [], rest: 'constructor.name' },
];

describe('the path of a verdict', () => {
  for (const { path, keys, rest = '' } of cases) {
    it(`is followed as far as it exists: ${path}`, () => assert.deepEqual(resolvePath(value, path), { keys, rest }));
  }
});
