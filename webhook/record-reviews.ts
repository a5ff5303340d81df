// SPDX-License-Identifier: Apache-2.0
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ReasonCode } from '../policy/reasons.ts';
import { createCounter, createHistogram } from '../runtime/metrics.ts';
import type { Operation } from './admission/admission-review.ts';
import { type Endpoint, reviewedKinds, verbs } from './admission/judgement.ts';
import { denialCodes } from './denial-codes.ts';

/** How reviews end. `malformed`: no AdmissionReview of ours; `errored`: no judgement was reached. */
const outcomes = ['allowed', 'patched', 'denied', 'errored', 'malformed'] as const;
type Outcome = (typeof outcomes)[number];

/** What is written is reviewed; `other`: CONNECT, which no configuration of ours sends, and what cannot be read. */
const operations = ['CREATE', 'UPDATE', 'DELETE'] as const satisfies readonly Operation[];

const lookupKinds = ['network', 'namespace', 'policies'] as const;
export type LookupKind = (typeof lookupKinds)[number];

/** A review that ended. */
interface ReviewDone {
  readonly outcome: Outcome;
  /** Absent where the review could not be read. */
  readonly operation?: Operation;
  /** From its arrival to its answer. */
  readonly durationMs: number;
}

/** What the webhook counts. */
export interface ReviewRecorder {
  review(endpoint: Pick<Endpoint, 'kind' | 'verb'>, done: ReviewDone): void;
  /** Why an object was denied: each code once, however often it was found. */
  denial(endpoint: Pick<Endpoint, 'kind'>, codes: ReadonlySet<ReasonCode>): void;
  /** A rule threw, or made a patch that does harm. */
  bug(endpoint: Pick<Endpoint, 'kind' | 'verb'>): void;
  lookup(kind: LookupKind, outcome: LookupOutcome): void;
  /** Whether this replica holds the Lease, from now on. */
  leader(isHolder: boolean): void;
  policyStatus(outcome: WriteOutcome): void;
  /** Milliseconds since the epoch. */
  certificate(validity: { readonly startsMs: number; readonly expiresMs: number }): void;
  /** How many there are, from now on. */
  certificateFaults(count: number): void;
}

const lookupOutcomes = ['found', 'absent', 'failed'] as const;
type LookupOutcome = (typeof lookupOutcomes)[number];

const writeOutcomes = ['written', 'failed'] as const;
type WriteOutcome = (typeof writeOutcomes)[number];

/** Every metric of the webhook alone. The names are a contract: docs/monitoring.md has the same table. */
export const webhookMetrics = {
  kube_macvtap_webhook_reviews_total:
    'Reviews answered, by kind of object, verb, operation and outcome: allowed, patched, denied, errored or malformed.',
  kube_macvtap_webhook_review_duration_seconds:
    'How long reviews took from their arrival to the answer, by kind of object and verb.',
  kube_macvtap_webhook_denials_total:
    'Why objects were denied, by kind of object and code of docs/reasons.md; a denial counts once for each of its codes.',
  kube_macvtap_webhook_recovered_bugs_total: 'Reviews in which a rule threw or made a patch that does harm.',
  kube_macvtap_webhook_lookups_total: 'Objects looked up because the cache had not seen them, by kind and outcome.',
  kube_macvtap_webhook_certificate_start_seconds:
    'Since when the serving certificate in use is valid, in seconds since the epoch; NaN without one.',
  kube_macvtap_webhook_certificate_expiry_seconds:
    'When the serving certificate in use expires, in seconds since the epoch; NaN without one.',
  kube_macvtap_webhook_certificate_faults:
    "What stands in the way of the certificate's upkeep now, as the log tells it: 0 where nothing does.",
  kube_macvtap_webhook_lease_held: 'Whether this replica holds the Lease: 1 or 0.',
  kube_macvtap_webhook_policy_status_writes_total: 'Writes of the status of policies: written or failed.',
} as const satisfies Record<string, string>;

/** From what a rule takes (some 0.1 ms) to the 10 s after which the API server gives up. */
const reviewBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10];

function named<Name extends keyof typeof webhookMetrics>(name: Name) {
  return { name, help: webhookMetrics[name] };
}

/** Counts in a registry; every counter starts at 0, so that a rate can be taken from the first event on. */
export function recordReviews(registry: Registry): ReviewRecorder {
  const reviews = countReviews(registry);
  const durations = createHistogram(
    registry,
    { ...named('kube_macvtap_webhook_review_duration_seconds'), buckets: reviewBuckets },
    { kind: reviewedKinds, verb: verbs },
  );
  const denials = new Counter({
    ...named('kube_macvtap_webhook_denials_total'),
    labelNames: ['kind', 'code'] as const,
    registers: [registry],
  });
  for (const kind of reviewedKinds) for (const code of denialCodes[kind]) denials.inc({ kind, code }, 0);
  const bugs = createCounter(registry, named('kube_macvtap_webhook_recovered_bugs_total'), {
    kind: reviewedKinds,
    verb: verbs,
  });
  const lookups = createCounter(registry, named('kube_macvtap_webhook_lookups_total'), {
    kind: lookupKinds,
    outcome: lookupOutcomes,
  });
  const start = new Gauge({ ...named('kube_macvtap_webhook_certificate_start_seconds'), registers: [registry] });
  const expiry = new Gauge({ ...named('kube_macvtap_webhook_certificate_expiry_seconds'), registers: [registry] });
  const faults = new Gauge({ ...named('kube_macvtap_webhook_certificate_faults'), registers: [registry] });
  const lease = new Gauge({ ...named('kube_macvtap_webhook_lease_held'), registers: [registry] });
  const statuses = createCounter(registry, named('kube_macvtap_webhook_policy_status_writes_total'), {
    outcome: writeOutcomes,
  });
  for (const gauge of [start, expiry]) gauge.set(Number.NaN);
  return {
    review: ({ kind, verb }, { outcome, operation = 'CONNECT', durationMs }) => {
      reviews.inc({ kind, verb, operation: operation === 'CONNECT' ? 'other' : operation, outcome });
      durations.observe({ kind, verb }, durationMs / 1_000);
    },
    denial: ({ kind }, codes) => {
      for (const code of codes) denials.inc({ kind, code });
    },
    bug: ({ kind, verb }) => bugs.inc({ kind, verb }),
    lookup: (kind, outcome) => lookups.inc({ kind, outcome }),
    leader: (isHolder) => lease.set(isHolder ? 1 : 0),
    policyStatus: (outcome) => statuses.inc({ outcome }),
    certificate: ({ startsMs, expiresMs }) => {
      start.set(startsMs / 1_000);
      expiry.set(expiresMs / 1_000);
    },
    certificateFaults: (count) => faults.set(count),
  };
}

/** Only what can be read has an operation, so this is no product of sets. */
function countReviews(registry: Registry): Counter<'kind' | 'verb' | 'operation' | 'outcome'> {
  const reviews = new Counter({
    ...named('kube_macvtap_webhook_reviews_total'),
    labelNames: ['kind', 'verb', 'operation', 'outcome'] as const,
    registers: [registry],
  });
  for (const kind of reviewedKinds) {
    for (const verb of verbs) {
      for (const outcome of outcomes) {
        if (outcome === 'malformed') reviews.inc({ kind, verb, operation: 'other', outcome }, 0);
        else for (const operation of operations) reviews.inc({ kind, verb, operation, outcome }, 0);
      }
    }
  }
  return reviews;
}
