// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { afterEach, test } from 'node:test';
import { WriteStream } from 'node:tty';
import fc from 'fast-check';
import { quoteForShell } from '../../policy/why/suggested-commands.ts';
import { paintFor, wrapCommand, wrapText } from './look.ts';

const { getColorDepth } = WriteStream.prototype;
const stream = Object.assign(Object.create(process.stderr), { isTTY: true, getColorDepth });
// Sets the environment of an ordinary terminal, because the environment of the test run may change colours (CI,
// FORCE_COLOR, a dumb terminal).
process.env = { TERM: 'xterm-256color' };

afterEach(() => {
  delete process.env.NO_COLOR;
});

test('a terminal gets colours', () => {
  assert.equal(paintFor(stream)('bad', 'Unhealthy'), '\u001b[31mUnhealthy\u001b[39m');
});

test('with NO_COLOR, or without a terminal, there are no colours', () => {
  process.env.NO_COLOR = '1';
  assert.equal(paintFor(stream)('bad', 'Unhealthy'), 'Unhealthy');
  delete process.env.NO_COLOR;
  assert.equal(paintFor(Object.assign(Object.create(stream), { isTTY: false }))('good', 'Healthy'), 'Healthy');
});

test('a text is broken at blanks, and a word that is too long stays whole', () => {
  assert.equal(wrapText('one two three', 8, '', '  '), 'one two\n  three');
  assert.equal(wrapText('one two', 80, '- '), '- one two');
  assert.equal(wrapText('incomprehensibilities', 8, '  '), '  incomprehensibilities');
});

test('a wrapped command means the same to a shell, and only lines without blanks exceed the limit', () => {
  const argument = fc.stringMatching(/^[ -~]{1,30}$/);
  fc.assert(
    fc.property(fc.array(argument, { minLength: 1, maxLength: 8 }), (texts) => {
      const wrapped = wrapCommand(['printf', "'%s\\n'", ...texts.map(quoteForShell)].join(' '), 40, '    ');
      assert.deepEqual(execFileSync('/bin/sh', ['-c', wrapped]).toString(), texts.map((text) => `${text}\n`).join(''));
    }),
    { numRuns: 40 },
  );
  const lines = wrapCommand(`kubectl label node ${'h '.repeat(40)}a=b`, 40, '    ').split('\n');
  assert.ok(lines.length > 2 && lines.every((line) => line.length <= 40), lines.join('\n'));
});
