// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complete } from './complete.ts';

test('the candidates are the names that start with the word, at most 1000', async () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `n${index}`);
  const commands = {
    why: {
      summary: '',
      line: async () => ({ command: 'why', summary: '', flags: {}, positionals: [names.join('|')] }),
      run: async () => {},
    },
  };
  const told = async (word: string) => (await complete(['why', word], commands)).split('\n').slice(0, -1);
  assert.deepEqual(await told('n4999'), ['n4999']);
  assert.deepEqual(await told('n'), names.slice(0, 1_000));
});
