// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLoad } from './run-wrk.ts';

const report = { requests: 9_000, us: 3_000_000, refused: 0, failed: 0, p50: 450, p99: 3_745, max: 8_243 };
const printed = (changes: object = {}) =>
  `Running 3s test\n  2 requests in 3.00s\nload ${JSON.stringify({ ...report, ...changes })}\n`;

describe("wrk's report", () => {
  it('is read in seconds and milliseconds', () => {
    assert.deepEqual(readLoad(printed()), { requests: 9_000, perSecond: 3_000, p50: 0.45, p99: 3.745, max: 8.243 });
  });

  it('is an error if an answer has another status, a connection broke, or there is no answer', () => {
    assert.throws(() => readLoad(printed({ refused: 1 })), /of 9000 requests 1 got an error, and 0 got no answer/);
    assert.throws(() => readLoad(printed({ failed: 2 })), /2 got no answer/);
    assert.throws(() => readLoad(printed({ requests: 0 })), /nothing was answered/);
    assert.throws(() => readLoad('unable to connect\n'), /no result: unable to connect/);
  });
});
