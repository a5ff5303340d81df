// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createProgress } from './progress.ts';

const never = new AbortController().signal;
const late = () => Promise.reject(new Error('not reached in 60000 ms; now: []'));

describe('a step of the demo that takes too long', () => {
  it('names the step and the other running demo', async () => {
    const progress = createProgress(assert.fail, never, async () => [4711]);
    await assert.rejects(progress.step('three node plugins registered', late), {
      code: 'DeadlineExceeded',
      message: /^three node plugins registered: not reached in 60000 ms; now: \[\]; another demo runs as process 4711,/,
    });
    const alone = createProgress(assert.fail, never, async () => []);
    await assert.rejects(alone.step('x', late), /; try again when the machine is less busy$/);
  });

  it('differs from an error of a step', async () => {
    const progress = createProgress(assert.fail, never, async () => [4711]);
    const step = progress.step('x', () => {
      throw new Error('no frame came');
    });
    await assert.rejects(step, { message: 'no frame came' });
  });
});
