// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textTable } from './text-table.ts';

test('columns are as wide as their widest cell, and no line has trailing blanks', () => {
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

test('a table can have as many lines as a large cluster needs', () => {
  const rows = Array.from({ length: 200_000 }, () => ['h1', 'eth0']);
  assert.equal(textTable(['A', 'B'], rows).length, 'A   B\n'.length + rows.length * 'h1  eth0\n'.length - 1);
});

test('control characters are escaped', () => {
  assert.equal(textTable(['A'], [['\u001b[31mred\u009b']]), 'A\n\\u001b[31mred\\u009b');
});

test('a style does not affect the width of its column', () => {
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

test('if the width is limited, the widest columns shrink and the others stay', () => {
  const table = textTable(['NAME', 'N', 'WHY'], [['worker-1', '3', 'something that is very long']], 30);
  assert.equal(table, 'NAME      N  WHY\nworker-1  3  something that i…');
  assert.deepEqual(
    table.split('\n').map(({ length }) => length),
    [16, 30],
  );
});

test('a table wider than the limit keeps enough of each name to distinguish them', () => {
  assert.equal(textTable(['A', 'B'], [['one-long-name', 'another-one']], 5), 'A         B\none-lon…  another…');
});
