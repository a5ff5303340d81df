// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMetrics, sumOf } from './read-metrics.ts';

test('metrics are read with their labels, and summed by label', () => {
  const samples = readMetrics(
    '# TYPE a counter\na{x="1",y="read \\"}\\""} 2\na{x="2"} 3.5\nb 1e+06 1700000000000\nc NaN\n',
  );
  assert.equal(sumOf(samples, 'a'), 5.5);
  assert.equal(
    sumOf(samples, 'a', ({ x }) => x === '2'),
    3.5,
  );
  assert.equal(sumOf(samples, 'b'), 1_000_000);
  assert.equal(sumOf(samples, 'absent'), 0);
  assert.equal(samples[0]?.labels.y, 'read \\"}\\"');
  assert.throws(() => readMetrics('what is this'), /not a metric: what is this/);
});
