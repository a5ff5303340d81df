// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileGlob } from './match-glob.ts';

function matches(pattern: string, text: string): boolean {
  const glob = compileGlob(pattern);
  if ('fault' in glob) throw new Error(glob.fault);
  return glob.matches(text);
}

const table: readonly [pattern: string, matching: readonly string[], other: readonly string[]][] = [
  ['', [''], ['a']],
  ['eth0', ['eth0'], ['eth', 'eth00', 'Eth0']],
  ['*', ['', 'eth0', '.100'], []],
  ['**', ['', 'x'], []],
  ['ens*', ['ens', 'ens2f0'], ['xens', 'en']],
  ['*0', ['0', 'eth0', '00'], ['eth01']],
  ['e*h*0', ['eh0', 'eth10'], ['eth1', 'the0']],
  ['eth?', ['eth0', 'ethé', 'eth😀'], ['eth', 'eth10']],
  ['eth[0-3]', ['eth0', 'eth3'], ['eth4', 'eth', 'eth10', 'eth-']],
  ['eth[!0-3]', ['eth4', 'eth-'], ['eth0', 'eth']],
  ['eth[^0]', ['eth1'], ['eth0']],
  ['[abc]', ['a', 'c'], ['d', 'ab']],
  ['[a-cx-z]', ['b', 'y'], ['d']],
  ['[]a]', [']', 'a'], ['b']],
  ['[!]a]', ['b'], [']', 'a']],
  ['[a-]', ['a', '-'], ['b']],
  ['[-a]', ['a', '-'], ['b']],
  ['[.]', ['.'], ['x']],
  ['[*?]', ['*', '?'], ['x']],
  ['[\\]]', [']'], ['\\', '\\]']],
  ['[a\\-z]', ['a', '-', 'z'], ['b', '\\']],
  ['[\\a-\\c]', ['b'], ['\\']],
  ['[[]', ['['], ['x']],
  ['\\*', ['*'], ['x', '\\*']],
  ['a\\\\', ['a\\'], ['a']],
  ['a]', ['a]'], ['a']],
  ['é%"*', ['é%"', 'é%".100@x'], ['e%"']],
  ['*.100', ['eth0.100', '.100'], ['eth0x100']],
  ['a+(b)|$', ['a+(b)|$'], ['aab']],
];

describe('a glob', () => {
  for (const [pattern, matching, other] of table) {
    it(`${pattern || '(empty)'} matches ${matching.join(' ')} and not ${other.join(' ')}`, () => {
      for (const text of matching) assert.ok(matches(pattern, text), text);
      for (const text of other) assert.ok(!matches(pattern, text), text);
    });
  }

  for (const pattern of [
    '[',
    'ens[',
    'ens[a',
    '[]',
    '[!]',
    '[a-',
    '[\\',
    '[\\]',
    '[z-a]',
    'a\\',
    '[[:digit:]]',
    '[[.a.]]',
    '[[=a=]]',
  ]) {
    it(`${pattern} is refused with the pattern in the reason`, () => {
      const glob = compileGlob(pattern);
      assert.ok('fault' in glob && glob.fault.startsWith(pattern));
    });
  }

  it('agrees with the plain recursive reading of * and ?', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 });
    fc.assert(fc.property(pattern, text, (glob, other) => assert.equal(matches(glob, other), reads(glob, other))));
  });

  it('finishes on patterns that make a backtracking matcher explode', () => {
    assert.ok(!matches('*a'.repeat(60), `${'a'.repeat(4_000)}b`));
    assert.ok(!matches(`${'*a'.repeat(40)}*b`, 'a'.repeat(4_000)));
    assert.ok(matches(`${'*a'.repeat(40)}*`, 'a'.repeat(4_000)));
    assert.ok(!matches(`${'*'.repeat(10_000)}b`, 'a'.repeat(1_000)));
  });
});

/** The definition itself, exponential and all. */
function reads(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*') return reads(pattern.slice(1), text) || (text !== '' && reads(pattern, text.slice(1)));
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && reads(pattern.slice(1), text.slice(1));
}
