// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textTable } from './text-table.ts';

test('columns are as wide as their widest cell, and no line ends in blanks', () => {
  assert.equal(
    textTable(
      ['NODE', 'N'],
      [
        ['h1', '100'],
        ['long-name', ''],
      ],
    ),
    'NODE       N\nh1         100\nlong-name',
  );
});

test('control characters reach no terminal', () => {
  assert.equal(textTable(['A'], [['\u001b[31mred\u009b']]), 'A\n\\x1b[31mred\\x9b');
});

test('a style takes no room of its column', () => {
  const red = { text: 'bad', style: (text: string) => `<${text}>` };
  assert.equal(
    textTable(
      ['A', 'B'],
      [
        [red, 'x'],
        ['longer', red],
      ],
    ),
    'A       B\n<bad>     x\nlonger  <bad>',
  );
});
