// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCounts } from './numbered-frames.ts';

test('a report of numbered frames is read for each peer', () => {
  const report = `02:00:00:00:00:01 sent=90 received=80 last=88 missing=9 longest=5
02:00:00:00:00:02 sent=90 received=0 last=-1 missing=0 longest=0
`;
  assert.deepEqual(parseCounts(report), {
    '02:00:00:00:00:01': { sent: 90, received: 80, last: 88, missing: 9, longest: 5 },
    '02:00:00:00:00:02': { sent: 90, received: 0, last: -1, missing: 0, longest: 0 },
  });
});
