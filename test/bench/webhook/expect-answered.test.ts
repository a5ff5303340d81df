// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMetrics } from '../../apiserver/read-metrics.ts';
import { expectAnswered } from './expect-answered.ts';

const counted = (allowed: number, patched: number, denied: number, lookups: number) =>
  readMetrics(
    [
      `kube_macvtap_webhook_reviews_total{kind="Pod",verb="validate",outcome="allowed"} ${allowed}`,
      `kube_macvtap_webhook_reviews_total{kind="Pod",verb="mutate",outcome="patched"} ${patched}`,
      `kube_macvtap_webhook_reviews_total{kind="Pod",verb="validate",outcome="denied"} ${denied}`,
      `kube_macvtap_webhook_lookups_total{kind="network",outcome="found"} ${lookups}`,
    ].join('\n'),
  );

describe('a load was answered correctly', () => {
  it('if every object was allowed, with or without a patch, whatever was counted before the load', () => {
    expectAnswered(20, { before: counted(1, 2, 3, 4), after: counted(11, 12, 3, 4) });
  });

  it('even if the webhook counted more than the client received: some requests were in flight at the end', () => {
    expectAnswered(20, { before: counted(0, 0, 0, 0), after: counted(14, 14, 0, 0) });
  });

  for (const [what, after] of [
    ['with too few answers', counted(9, 10, 0, 0)],
    ['with a denial', counted(10, 10, 1, 0)],
    ['with a look-up', counted(10, 10, 0, 1)],
  ] as const) {
    it(`but not ${what}`, () => {
      assert.throws(() => expectAnswered(20, { before: counted(0, 0, 0, 0), after }), /20 requests/);
    });
  }
});
