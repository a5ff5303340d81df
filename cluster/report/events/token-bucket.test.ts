// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addTokens, type Bucket, refill, waitForToken } from './token-bucket.ts';

const limits = { burst: 2, refillMs: 100 };

describe('a bucket of tokens', () => {
  it('is full at first, and never fuller', () => {
    assert.equal(refill(undefined, limits, 0).tokens, 2);
    assert.equal(refill({ tokens: 1, atMs: 0 }, limits, 10_000).tokens, 2);
  });

  it('that is empty says after how long it has one, and has it then', () => {
    let bucket: Bucket = addTokens(refill(undefined, limits, 0), -2);
    assert.equal(waitForToken(bucket, limits), 100);
    bucket = refill(bucket, limits, 40);
    assert.equal(waitForToken(bucket, limits), 60);
    assert.equal(waitForToken(refill(bucket, limits, 100), limits), 0);
  });

  it('takes a clock that was set back as it is from then on', () => {
    const bucket = refill({ tokens: 0, atMs: 1_000_000 }, limits, 500);
    assert.deepEqual(bucket, { tokens: 0, atMs: 500 });
    assert.equal(waitForToken(refill(bucket, limits, 600), limits), 0);
  });
});
