// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { quoteForShell } from '../../policy/why/kubectl.ts';
import { wrapCommand, wrapText } from './wrap-text.ts';

test('a text is broken at blanks, and a longer word stays whole', () => {
  assert.equal(wrapText('one two three', 8, '', '  '), 'one two\n  three');
  assert.equal(wrapText('one two', 80, '- '), '- one two');
  assert.equal(wrapText('incomprehensibilities', 8, '  '), '  incomprehensibilities');
});

test('a command that is broken is the same to a shell, and has no line with blanks in it that is longer', () => {
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
