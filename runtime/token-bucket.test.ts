// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { addTokens, type Bucket, createTokenBucket, refill, waitForToken } from './token-bucket.ts';

test('a bucket allows a burst, and then as many as are refilled', () => {
  let nowMs = 5_000;
  const bucket = createTokenBucket({ burst: 3, perSecond: 2 }, () => nowMs);
  const takeAll = () => {
    let taken = 0;
    while (bucket.take()) taken += 1;
    return taken;
  };
  assert.equal(bucket.level, 1);
  assert.equal(takeAll(), 3);
  assert.equal(bucket.level, 0);
  nowMs += 499;
  assert.equal(takeAll(), 0);
  nowMs += 1;
  assert.equal(takeAll(), 1);
  nowMs += 3_600_000;
  assert.equal(takeAll(), 3, 'the bucket never has more tokens than its burst');
  bucket.giveBack(2);
  assert.equal(takeAll(), 2);
  bucket.giveBack(20);
  assert.equal(takeAll(), 3, 'tokens that come back do not exceed the burst');
});

const limits = { burst: 2, refillMs: 100 };

describe('a bucket of tokens', () => {
  it('is full at first, and never exceeds its capacity', () => {
    assert.equal(refill(undefined, limits, 0).tokens, 2);
    assert.equal(refill({ tokens: 1, atMs: 0 }, limits, 10_000).tokens, 2);
  });

  it('if it is empty, returns the time until its next token, and has the token after that time', () => {
    let bucket: Bucket = addTokens(refill(undefined, limits, 0), -2);
    assert.equal(waitForToken(bucket, limits), 100);
    bucket = refill(bucket, limits, 40);
    assert.equal(waitForToken(bucket, limits), 60);
    assert.equal(waitForToken(refill(bucket, limits, 100), limits), 0);
  });

  it('counts from the new time if the clock was set back', () => {
    const bucket = refill({ tokens: 0, atMs: 1_000_000 }, limits, 500);
    assert.deepEqual(bucket, { tokens: 0, atMs: 500 });
    assert.equal(waitForToken(refill(bucket, limits, 600), limits), 0);
  });
});
