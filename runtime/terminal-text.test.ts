// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { hasHidden, printable, printableLines, textTable } from './terminal-text.ts';

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

/** Generates texts with arbitrary characters, many of which a terminal does not show. */
const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom(
        '\u202e',
        '\u2066',
        '\u200d',
        '\u00ad',
        '\ufeff',
        '\u{e0041}',
        '\u2028',
        '\u001b[31m',
        '\u009b',
        '\ud800',
      ),
    ),
  )
  .map((parts) => parts.join(''));

describe('text for a terminal', () => {
  it('has visible escapes for characters that a terminal hides or obeys', () => {
    assert.equal(printable('a\u202eb\u001b[8mc\u009b\u2028\n'), 'a\\u202eb\\u001b[8mc\\u009b\\u2028\\u000a');
    assert.equal(printable('\u{e0041}'), '\\udb40\\udc41');
    assert.equal(printable('plain, é, 日本, 🙂'), 'plain, é, 日本, 🙂');
  });

  it('keeps the lines and colours of an output, but no other sequence', () => {
    const own = 'a\n\u001b[31mred\u001b[39m\t\u001b[2mfaint\u001b[22m';
    assert.equal(printableLines(own), own);
    assert.equal(
      printableLines('\u001b[8m\u001b[2J\r\u001b]0;t\u0007'),
      '\\u001b[8m\\u001b[2J\\u000d\\u001b]0;t\\u0007',
    );
  });

  it('never contains a hidden character, for any input', () => {
    fc.assert(
      fc.property(text, (input) => {
        const shown = printable(input);
        assert.ok(!hasHidden(shown) && !/[\p{C}]/u.test(shown.replaceAll(/[\p{Cn}\p{Co}]/gu, '')), shown);
        assert.equal(printable(shown), shown);
        assert.equal(printableLines(printable(input)), shown);
      }),
    );
  });

  it('is still the same JSON', () => {
    fc.assert(
      fc.property(text, text, (key, value) => {
        const json = JSON.stringify({ [key]: value }, null, 2);
        assert.deepEqual(JSON.parse(printableLines(json)), JSON.parse(json));
        assert.ok(!/[\p{Cf}\u007f-\u009f\u2028]/u.test(printableLines(json)));
      }),
    );
  });
});
