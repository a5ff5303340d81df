// SPDX-License-Identifier: Apache-2.0
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ReasonCode } from '../../policy/reasons.ts';
import { createCounter, createHistogram, metricsOf } from '../../runtime/metrics.ts';
import type { Operation } from '../admission/admission-review.ts';
import { type Endpoint, reviewedKinds, verbs } from '../admission/endpoint.ts';
import { type RefusalReason, refusalReasons } from '../intake/limits.ts';

/**
 * The outcomes of admission requests. `malformed` means that the body was not a readable AdmissionReview. `errored`
 * means that the rules produced no result.
 */
const outcomes = ['allowed', 'patched', 'denied', 'errored', 'malformed'] as const;
type Outcome = (typeof outcomes)[number];

/**
 * The reviewed operations. Unreadable requests have the label `other`, and so has CONNECT, which the chart's webhook
 * configurations do not select.
 */
const operations = ['CREATE', 'UPDATE', 'DELETE'] as const satisfies readonly Operation[];

const lookupKinds = ['network', 'namespace', 'policies', 'claim'] as const;
export type LookupKind = (typeof lookupKinds)[number];

/** An admission request that was answered. */
interface ReviewDone {
  readonly outcome: Outcome;
  /** Absent if the request was unreadable. */
  readonly operation?: Operation;
  /** From arrival to answer. */
  readonly durationMs: number;
}

/** Records the webhook's metrics. */
export interface WebhookRecorder {
  review(endpoint: Pick<Endpoint, 'kind' | 'verb'>, done: ReviewDone): void;
  /** Counts each code of a denied object once, however many verdicts have that code. */
  denial(endpoint: Pick<Endpoint, 'kind'>, codes: ReadonlySet<ReasonCode>): void;
  /** Counts a bug: a rule raised an exception, or made a patch that does not apply or makes the object invalid. */
  bug(endpoint: Pick<Endpoint, 'kind' | 'verb'>): void;
  lookup(kind: LookupKind, outcome: LookupOutcome): void;
  /** Counts a connection or a request that was refused before any rule ran. */
  refusal(reason: RefusalReason): void;
  /** Sets whether this replica holds the Lease. */
  leader(isHolder: boolean): void;
  policyStatus(outcome: WriteOutcome): void;
  deviceClass(change: (typeof classChanges)[number]): void;
  /** Sets the validity of the certificate, in milliseconds since the epoch. */
  certificate(validity: { readonly startsMs: number; readonly expiresMs: number }): void;
  /** Sets the number of problems of the certificate. */
  certificateProblems(count: number): void;
  /** Sets the number of nodes whose reports are left out. */
  leftOut(nodes: number): void;
}

/** The outcomes of look-ups. `limited` means that the budget was used up, so no request was sent. */
const lookupOutcomes = ['found', 'absent', 'failed', 'limited'] as const;
type LookupOutcome = (typeof lookupOutcomes)[number];

const classChanges = ['created', 'updated', 'deleted'] as const;

const writeOutcomes = ['written', 'failed'] as const;
type WriteOutcome = (typeof writeOutcomes)[number];

/** Every metric that only the webhook has. The names are a contract: docs/how-to/monitor.md has the same table. */
export const webhookMetrics = {
  kube_macvtap_webhook_reviews_total:
    'Answered admission requests, by kind of object, verb (mutate, validate), operation and outcome (allowed, patched, denied, errored, malformed).',
  kube_macvtap_webhook_review_duration_seconds:
    'Time from the arrival of an admission request to the answer, by kind of object and verb.',
  kube_macvtap_webhook_denials_total:
    'Reasons for denials, by kind of object and code of docs/reference/reasons.md; a denial with several codes counts once for each code.',
  kube_macvtap_webhook_recovered_bugs_total:
    'Admission requests in which a bug occurred: a rule threw an unexpected error, or a patch would have made the object invalid.',
  kube_macvtap_webhook_lookups_total: 'Look-ups of objects that were not in the cache, by kind and outcome.',
  kube_macvtap_webhook_refusals_total:
    'Connections and requests that the webhook refused or closed before any rule ran, by reason.',
  kube_macvtap_webhook_certificate_start_seconds:
    'Start of the validity of the serving certificate, in seconds since the epoch; NaN if there is no certificate.',
  kube_macvtap_webhook_certificate_expiry_seconds:
    'Expiry of the serving certificate, in seconds since the epoch; NaN if there is no certificate.',
  kube_macvtap_webhook_certificate_faults:
    'Number of problems that prevent the renewal or publication of the certificate; the log describes each problem.',
  kube_macvtap_webhook_node_states_left_out:
    'Nodes whose MacvtapNetworkNodeState is ignored: it exceeds a limit, does not match the schema, or cannot be read.',
  kube_macvtap_webhook_lease_held: 'Whether this replica holds the Lease: 1 or 0.',
  kube_macvtap_webhook_policy_status_writes_total: 'Writes of the status of policies, by outcome: written or failed.',
  kube_macvtap_webhook_device_class_writes_total:
    'Writes of DeviceClasses for nodes that use dynamic resource allocation, by change: created, updated or deleted.',
} as const satisfies Record<string, string>;

/** The buckets range from the duration of a rule (about 0.1 ms) to the API server's default timeout of 10 s. */
const reviewBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10];

const named = metricsOf(webhookMetrics);

/**
 * Creates a recorder for a registry. Every counter starts at 0, so that the rate of a metric includes the first event.
 */
export function createWebhookRecorder(registry: Registry): WebhookRecorder {
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
  const refusals = createCounter(registry, named('kube_macvtap_webhook_refusals_total'), {
    reason: Object.keys(refusalReasons),
  });
  const start = new Gauge({ ...named('kube_macvtap_webhook_certificate_start_seconds'), registers: [registry] });
  const expiry = new Gauge({ ...named('kube_macvtap_webhook_certificate_expiry_seconds'), registers: [registry] });
  const faults = new Gauge({ ...named('kube_macvtap_webhook_certificate_faults'), registers: [registry] });
  const leftOut = new Gauge({ ...named('kube_macvtap_webhook_node_states_left_out'), registers: [registry] });
  const lease = new Gauge({ ...named('kube_macvtap_webhook_lease_held'), registers: [registry] });
  const statuses = createCounter(registry, named('kube_macvtap_webhook_policy_status_writes_total'), {
    outcome: writeOutcomes,
  });
  const classes = createCounter(registry, named('kube_macvtap_webhook_device_class_writes_total'), {
    change: classChanges,
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
    refusal: (reason) => refusals.inc({ reason }),
    leader: (isHolder) => lease.set(isHolder ? 1 : 0),
    policyStatus: (outcome) => statuses.inc({ outcome }),
    deviceClass: (change) => classes.inc({ change }),
    certificate: ({ startsMs, expiresMs }) => {
      start.set(startsMs / 1_000);
      expiry.set(expiresMs / 1_000);
    },
    certificateProblems: (count) => faults.set(count),
    leftOut: (nodes) => leftOut.set(nodes),
  };
}

/**
 * Creates the counter of admission requests. Not every combination of label values is a series, because only readable
 * requests have an operation.
 */
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

/**
 * The codes that can deny an object of each kind. A test compares them with the rules in the kind's folder of policy/.
 * With only these codes as label values, the metric has about 30 series. With every code for every kind, it would have
 * 200.
 */
export const denialCodes: Readonly<Record<Endpoint['kind'], readonly ReasonCode[]>> = {
  NetworkAttachmentDefinition: [
    'AmbiguousKey',
    'ConfigNotJson',
    'IllegalMac',
    'IllegalMtu',
    'IllegalMulticast',
    'IllegalNetworkName',
    'IllegalOwner',
    'IllegalPromiscMode',
    'IllegalValue',
    'ModeNotOffered',
    'PluginsTooMany',
    'ResourceForeign',
    'ResourceMissing',
    'ResourceUnknown',
    'TypeMissing',
    'UnknownMode',
    'UnknownModeFrom',
    'UnsupportedCniVersion',
  ],
  ResourceClaim: ['NamespaceNotAdmitted', 'NamespaceUnknown'],
  ResourceClaimTemplate: ['NamespaceNotAdmitted', 'NamespaceUnknown'],
  Pod: ['AmbiguousKey', 'ClaimUnknown', 'NamespaceNotAdmitted', 'NamespaceUnknown', 'PassthruMac'],
  MacvtapNetworkNodePolicy: [
    'BadFieldRequirement',
    'BadGlob',
    'BadLabel',
    'BadRequirement',
    'BadSelectorValue',
    'IllegalResourceName',
    'IllegalVlan',
    'NameInBothForms',
    'ParentAmbiguous',
    'PassthruQuantity',
    'PolicyOutsideNamespace',
    'SchemaFault',
  ],
};
