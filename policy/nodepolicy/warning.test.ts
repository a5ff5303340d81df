// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { clip, count, countNodes, listNames, warnBriefly } from './warning.ts';

it('count formats a number with its noun', () => {
  assert.deepEqual(
    [0, 1, 2].map((number) => count(number, 'node')),
    ['0 nodes', '1 node', '2 nodes'],
  );
});

it('listNames returns the first three names, and shows whether there are more', () => {
  assert.equal(listNames(['a', 'b', 'c']), 'a, b, c');
  assert.equal(listNames(['a', 'b', 'c', 'd']), 'a, b, c, ...');
  assert.equal(countNodes(['h1']), '1 node: h1');
  assert.equal(countNodes(['h1', 'h2', 'h3', 'h4']), '4 nodes: h1, h2, h3, ...');
  assert.equal(listNames(['x'.repeat(33)]), `${'x'.repeat(29)}...`);
});

it('clip cuts a text at the limit, but never in the middle of a character', () => {
  assert.equal(clip('x'.repeat(256), 256), 'x'.repeat(256));
  assert.equal(clip('x'.repeat(257), 256), `${'x'.repeat(253)}...`);
  assert.ok(clip(`${'x'.repeat(252)}${'\u{1f600}'.repeat(3)}`, 256).isWellFormed());
});

it('warnBriefly cuts the detail so that the whole text has at most 256 characters', () => {
  const finished = (detail: string) => {
    const { code, path, reason, detail: told } = warnBriefly('PolicyOverlap', 'spec', detail);
    return `${code} ${path}: ${reason} (${told})`;
  };
  assert.equal(finished('x'.repeat(300)).length, 256);
  assert.match(finished('x'.repeat(300)), /\(x+\.\.\.\)$/);
  assert.match(finished('short'), / \(short\)$/);
});
