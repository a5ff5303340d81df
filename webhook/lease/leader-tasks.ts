// SPDX-License-Identifier: Apache-2.0

import { hostname } from 'node:os';
import type { LeaseCandidate } from '../../cluster/lease/lease-keeper.ts';
import type { EventRecorder } from '../../cluster/report/events/cluster-event.ts';
import { openEventRecorder } from '../../cluster/report/events/event-recorder.ts';
import type { EventCounter } from '../../cluster/report/events/event-writer.ts';
import { createDeviceClasses, type DeviceClassKeeper } from '../../cluster/report/leader/device-classes.ts';
import {
  conflictEvents,
  createConditionTracker,
  leftOutClassEvents,
  leftOutEvents,
  takenEvents,
  unofferedEvents,
} from '../../cluster/report/leader/persistent-conditions.ts';
import type { LiveSource, Source } from '../../cluster/source.ts';
import { nodeReportMs } from '../../policy/plan/node-plan.ts';
import type { Log } from '../../runtime/log.ts';
import { type Pause, pause as reallyPause } from '../../runtime/pause.ts';
import type { WebhookConfig } from '../config.ts';
import type { LiveOffers } from '../review/live-offers.ts';
import type { createWebhookLog } from '../telemetry/webhook-log.ts';
import { type ExpiryWatch, expiryEvents } from '../tls/follow-certificate.ts';

export interface LeaderOptions {
  readonly config: Pick<WebhookConfig, 'namespace' | 'lease-name'>;
  readonly source: LiveSource;
  /** Functions that log events of the Lease and of the leader's tasks. */
  readonly report: Pick<
    ReturnType<typeof createWebhookLog>,
    'leader' | 'lease' | 'duty' | 'policyStatus' | 'failedPolicyStatus' | 'statuses'
  >;
  /** When this aborts, the Lease is released at once, before the process drains. */
  readonly signal: AbortSignal;
}

/**
 * Competes for the Lease. Only the holder writes reports about the whole cluster, such as the statuses of policies.
 * Returns undefined for a directory of manifests: that webhook has no replicas, and must not change the user's files.
 */
export async function openLeader({
  config,
  source,
  report,
  signal,
}: LeaderOptions): Promise<LeaseCandidate | undefined> {
  if (source.origin.kind !== 'cluster') return undefined;
  const { client } = source.origin;
  const { namespace, 'lease-name': name } = config;
  // Imported on demand, because a webhook that reads a directory does not need these modules.
  const [{ openLeaseCandidate }, { writePolicyStatuses }] = await Promise.all([
    import('../../cluster/lease/lease-keeper.ts'),
    import('../../cluster/report/leader/write-policy-statuses.ts'),
  ]);
  const leader = openLeaseCandidate({
    client,
    namespace,
    name,
    signal,
    onHolder: report.leader,
    onState: report.lease,
    onBug: report.duty,
  });
  const status = {
    client,
    source,
    policyNamespace: namespace,
    onWritten: report.policyStatus,
    onFailed: report.failedPolicyStatus,
    onState: report.statuses,
  };
  leader.whileHeld((term) => writePolicyStatuses(status, term));
  return leader;
}

export interface PersistentConditionOptions {
  readonly source: Pick<Source, 'snapshot' | 'synced' | 'onChange'>;
  readonly offers: Pick<LiveOffers, 'current' | 'isSound' | 'leftOut' | 'onChange'>;
  readonly recorder: EventRecorder;
  /** Undefined if this replica keeps no DeviceClasses. */
  readonly classes?: Pick<DeviceClassKeeper, 'blocked' | 'onChange'> | undefined;
  /** Watches the certificate that this replica serves. */
  readonly expiry: Pick<ExpiryWatch, 'overdue' | 'onChange'>;
  /** The Service through which the API server reaches the webhook. */
  readonly service: { readonly namespace: string; readonly name: string };
  readonly settleMs?: number;
  readonly pause?: Pause;
  readonly now?: () => number;
}

/**
 * The default time that a condition must persist. A node that has just joined may take ten times as long as other nodes
 * to report.
 */
const defaultSettleMs = 10 * nodeReportMs;

/**
 * Emits events for conditions that persist for `settleMs`, until the signal aborts. Only the holder of the Lease runs
 * this. However often the cluster changes, the conditions are checked at most once per half of `settleMs`.
 */
export async function emitPersistentConditions(
  options: PersistentConditionOptions,
  signal: AbortSignal,
): Promise<void> {
  const { source, offers, classes, recorder, expiry, service, settleMs = defaultSettleMs } = options;
  const { pause = reallyPause, now = () => performance.now() } = options;
  const conditions = createConditionTracker(settleMs);
  let news = Promise.withResolvers<void>();
  using _changes = source.onChange(() => news.resolve());
  // Also wait for the offers, which change some time after the source.
  using _offers = offers.onChange(() => news.resolve());
  using _expiry = expiry.onChange(() => news.resolve());
  using _classes = classes?.onChange(() => news.resolve());

  const onAbort = () => news.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  while (!signal.aborted) {
    news = Promise.withResolvers();
    // Before the first sync, objects that have not been read yet would seem to be missing.
    if (source.synced) {
      const { snapshot } = source;
      const found = [
        ...conflictEvents(snapshot),
        ...unofferedEvents(snapshot, offers.current),
        ...leftOutEvents(snapshot, offers.leftOut),
        ...expiryEvents(service, expiry.overdue),
        ...takenEvents(classes?.blocked.taken ?? []),
        ...leftOutClassEvents(classes?.blocked.leftOut ?? []),
      ];
      for (const event of conditions.update(found, now())) recorder.record(event);
    }
    const waitMs = conditions.waitMs(now());
    if (waitMs === undefined) await news.promise;
    await pause(Math.max(waitMs ?? 0, settleMs / 2), signal);
  }
  signal.removeEventListener('abort', onAbort);
}

export interface LeaderTaskOptions {
  readonly leader: Pick<LeaseCandidate, 'whileHeld'>;
  readonly source: LiveSource;
  readonly offers: PersistentConditionOptions['offers'];
  readonly expiry: PersistentConditionOptions['expiry'];
  readonly config: Pick<WebhookConfig, 'namespace' | 'service-name' | 'dra'>;
  readonly report: Pick<ReturnType<typeof createWebhookLog>, 'deviceClass' | 'deviceClasses'>;
  readonly log: Log;
  readonly count: EventCounter;
}

/** Emits events for persistent conditions, and keeps DeviceClasses, while this replica holds the Lease. */
export function startLeaderTasks(options: LeaderTaskOptions): AsyncDisposable {
  const { leader, source, offers, expiry, config, report, log, count } = options;
  const service = { namespace: config.namespace, name: config['service-name'] };
  const recorder = openEventRecorder(
    source.origin,
    { component: 'kube-macvtap-webhook', instance: hostname() },
    log,
    count,
  );
  const classes = openDeviceClasses(source, offers, config, report);
  using duties = new DisposableStack();
  duties.use(
    leader.whileHeld((signal) =>
      emitPersistentConditions({ source, offers, classes, recorder, expiry, service }, signal),
    ),
  );
  if (classes !== undefined) duties.use(leader.whileHeld(classes.run));
  const owned = duties.move();
  return {
    async [Symbol.asyncDispose]() {
      owned[Symbol.dispose]();
      await recorder[Symbol.asyncDispose]();
    },
  };
}

function openDeviceClasses(
  source: LiveSource,
  offers: PersistentConditionOptions['offers'],
  config: Pick<WebhookConfig, 'dra'>,
  report: LeaderTaskOptions['report'],
): DeviceClassKeeper | undefined {
  if (source.origin.kind !== 'cluster' || config.dra === 'Off') return undefined;
  const { client } = source.origin;
  return createDeviceClasses({ client, source, offers, onWritten: report.deviceClass, onState: report.deviceClasses });
}
