// SPDX-License-Identifier: Apache-2.0
import { Counter, Gauge, type Registry } from 'prom-client';
import { type Endpoint, reviewedKinds, verbs } from './admission/judgement.ts';

/** How reviews end. `malformed`: no AdmissionReview of ours; `errored`: no judgement was reached. */
const outcomes = ['allowed', 'patched', 'denied', 'errored', 'malformed'] as const;
type Outcome = (typeof outcomes)[number];

const lookupKinds = ['network', 'namespace', 'policies'] as const;
export type LookupKind = (typeof lookupKinds)[number];

/** What the webhook counts. */
export interface ReviewRecorder {
  review(endpoint: Pick<Endpoint, 'kind' | 'verb'>, outcome: Outcome): void;
  /** A rule threw, or made a patch that does harm. */
  bug(endpoint: Pick<Endpoint, 'kind' | 'verb'>): void;
  lookup(kind: LookupKind, outcome: LookupOutcome): void;
  /** Milliseconds since the epoch; NaN while there is no certificate. */
  certificate(expiresMs: number): void;
}

const lookupOutcomes = ['found', 'absent', 'failed'] as const;
type LookupOutcome = (typeof lookupOutcomes)[number];

/** Every metric of the webhook. The names are a contract: docs/webhook.md has the same table. */
export const webhookMetrics = {
  kube_macvtap_webhook_reviews_total: 'Reviews answered, by kind of object, verb and outcome.',
  kube_macvtap_webhook_recovered_bugs_total: 'Reviews in which a rule threw or made a patch that does harm.',
  kube_macvtap_webhook_lookups_total: 'Objects looked up because the cache had not seen them, by kind and outcome.',
  kube_macvtap_webhook_certificate_expiry_seconds:
    'When the serving certificate in use expires, in seconds since the epoch; NaN without one.',
} as const satisfies Record<string, string>;

function named<Name extends keyof typeof webhookMetrics>(name: Name) {
  return { name, help: webhookMetrics[name] };
}

/** Counts in a registry; every counter starts at 0, so that a rate can be taken from the first event on. */
export function recordReviews(registry: Registry): ReviewRecorder {
  const reviews = new Counter({
    ...named('kube_macvtap_webhook_reviews_total'),
    labelNames: ['kind', 'verb', 'outcome'] as const,
    registers: [registry],
  });
  const bugs = new Counter({
    ...named('kube_macvtap_webhook_recovered_bugs_total'),
    labelNames: ['kind', 'verb'] as const,
    registers: [registry],
  });
  const lookups = new Counter({
    ...named('kube_macvtap_webhook_lookups_total'),
    labelNames: ['kind', 'outcome'] as const,
    registers: [registry],
  });
  const expiry = new Gauge({
    ...named('kube_macvtap_webhook_certificate_expiry_seconds'),
    registers: [registry],
  });
  for (const kind of reviewedKinds) {
    for (const verb of verbs) {
      bugs.inc({ kind, verb }, 0);
      for (const outcome of outcomes) reviews.inc({ kind, verb, outcome }, 0);
    }
  }
  for (const kind of lookupKinds) for (const outcome of lookupOutcomes) lookups.inc({ kind, outcome }, 0);
  expiry.set(Number.NaN);
  return {
    review: ({ kind, verb }, outcome) => reviews.inc({ kind, verb, outcome }),
    bug: ({ kind, verb }) => bugs.inc({ kind, verb }),
    lookup: (kind, outcome) => lookups.inc({ kind, outcome }),
    certificate: (expiresMs) => expiry.set(expiresMs / 1_000),
  };
}
