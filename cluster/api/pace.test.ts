// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backOffMs, coalesceMs, countFailures, defaultTimings, watchSeconds } from './pace.ts';

const never = () => 0;
const always = () => 1;

describe('failures in a row', () => {
  const rows = [
    {
      title: 'end with a watch that lasted and ended well',
      before: 7,
      run: { lastedMs: 5_000, failed: false },
      after: 0,
    },
    {
      title: 'begin anew when a watch that lasted broke off',
      before: 7,
      run: { lastedMs: 60_000, failed: true },
      after: 1,
    },
    { title: 'go on with an error at once', before: 7, run: { lastedMs: 3, failed: true }, after: 8 },
    {
      title: 'go on with a watch that ended at once, error or not',
      before: 0,
      run: { lastedMs: 3, failed: false },
      after: 1,
    },
  ] as const;
  for (const { title, before, run, after } of rows) {
    it(title, () => assert.equal(countFailures(before, run), after));
  }
});

describe('the wait after failures', () => {
  it('doubles from 200 ms and stays at 30 s, however many there are', () => {
    const waits = [1, 2, 3, 8, 9, 5_000].map((failures) => backOffMs(failures, {}, never));
    assert.deepEqual(waits, [200, 400, 800, 25_600, 30_000, 30_000]);
  });

  it('is taken down by chance to its half, never to nothing', () => {
    assert.deepEqual([backOffMs(1, {}, always), backOffMs(9, {}, always)], [100, 15_000]);
  });

  it('stays so short while nobody answers that 5 s are enough to be current again', () => {
    const waits = [1, 4, 5, 5_000].map((failures) => backOffMs(failures, { isOutage: true }, never));
    assert.deepEqual(waits, [200, 1_600, 3_000, 3_000]);
  });

  it('is at least what the server asked for, within reason', () => {
    assert.equal(backOffMs(1, { retryAfterMs: 5_000 }, never), 5_000);
    assert.equal(backOffMs(1, { retryAfterMs: 5_000 }, always), 7_500);
    assert.equal(backOffMs(1, { retryAfterMs: 86_400_000 }, never), 30_000);
  });
});

describe('the wait before a new snapshot', () => {
  it('is short where one costs next to nothing, and twenty times what a large one costs, within reason', () => {
    assert.deepEqual([0, 0.4, 0.5, 4, 12.5, 2_000].map(coalesceMs), [10, 10, 10, 80, 250, 250]);
  });
});

describe('the length of a watch', () => {
  it('is five to ten minutes by chance', () => {
    assert.deepEqual(
      [never, always].map((random) => watchSeconds(defaultTimings, random)),
      [300, 600],
    );
  });

  it('is never 0, which means forever to an API server', () => {
    assert.equal(watchSeconds({ ...defaultTimings, watchMs: 1 }, never), 1);
  });
});
