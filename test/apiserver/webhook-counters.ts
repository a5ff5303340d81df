// SPDX-License-Identifier: Apache-2.0
import type { ControlPlane } from './control-plane.ts';
import { readMetrics, sumOf } from './read-metrics.ts';

/** The API server's counters of webhooks that it could not call. */
export interface WebhookCounters {
  /** Objects that were admitted without a review because of `failurePolicy: Ignore`. */
  readonly failedOpen: number;
  /** Objects that were refused because a webhook did not answer, or not in the expected form. */
  readonly callErrors: number;
}

export async function readWebhookCounters(cluster: ControlPlane): Promise<WebhookCounters> {
  const samples = readMetrics(await cluster.admin.must<string>('GET', '/metrics'));
  const isCallError = ({ error_type = '' }: Readonly<Record<string, string>>) =>
    ['calling_webhook_error', 'apiserver_internal_error'].includes(error_type);
  return {
    failedOpen: sumOf(samples, 'apiserver_admission_webhook_fail_open_count'),
    callErrors: sumOf(samples, 'apiserver_admission_webhook_rejection_count', isCallError),
  };
}
