// SPDX-License-Identifier: Apache-2.0
import { type Sample, sumOf } from '../../apiserver/read-metrics.ts';

/** A webhook's own counters, before and after a load. */
export interface Counted {
  readonly before: readonly Sample[];
  readonly after: readonly Sample[];
}

/**
 * Throws unless a webhook allowed every object of a load, patched or not, and found everything that it needed in its
 * cache. The load generator does not read answers, so it would count a denial as an answer.
 */
export function expectAnswered(requests: number, { before, after }: Counted): void {
  const grown = (name: string, hasLabels?: (labels: Sample['labels']) => boolean) =>
    sumOf(after, name, hasLabels) - sumOf(before, name, hasLabels);
  const isGood = ({ outcome = '' }: Sample['labels']) => ['allowed', 'patched'].includes(outcome);
  const good = grown('kube_macvtap_webhook_reviews_total', isGood);
  const bad = grown('kube_macvtap_webhook_reviews_total', (labels) => !isGood(labels));
  const lookups = grown('kube_macvtap_webhook_lookups_total');
  if (good < requests || bad > 0 || lookups > 0) {
    throw new Error(`${requests} requests: ${good} allowed, ${bad} not, ${lookups} look-ups`);
  }
}
