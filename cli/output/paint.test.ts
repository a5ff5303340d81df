// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { WriteStream } from 'node:tty';
import { paintFor } from './paint.ts';

const { getColorDepth } = WriteStream.prototype;
const stream = Object.assign(Object.create(process.stderr), { isTTY: true, getColorDepth });
// Where this runs may say other things of colours (CI, FORCE_COLOR, a dumb terminal); a person's terminal says this.
process.env = { TERM: 'xterm-256color' };

afterEach(() => {
  delete process.env.NO_COLOR;
});

test('a terminal gets colours', () => {
  assert.equal(paintFor(stream)('bad', 'Unhealthy'), '\u001b[31mUnhealthy\u001b[39m');
});

test('NO_COLOR is honoured, and so is what is no terminal', () => {
  process.env.NO_COLOR = '1';
  assert.equal(paintFor(stream)('bad', 'Unhealthy'), 'Unhealthy');
  delete process.env.NO_COLOR;
  assert.equal(paintFor(Object.assign(Object.create(stream), { isTTY: false }))('good', 'Healthy'), 'Healthy');
});
