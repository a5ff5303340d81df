// SPDX-License-Identifier: Apache-2.0

import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { readExposure } from '../cluster/cluster-flags.ts';
import { openSource, recordSource } from '../cluster/open-source.ts';
import { countEvents } from '../cluster/report/events/event-writer.ts';
import type { LiveSource } from '../cluster/source.ts';
import packageFile from '../package.json' with { type: 'json' };
import { untilAborted } from '../runtime/abort-signals.ts';
import { keepMemorySmall, type MemoryCalls, releaseMemory } from '../runtime/environment.ts';
import { startHealthServer } from '../runtime/health-server.ts';
import { type ListenAddress, listenFailed } from '../runtime/listen-address.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics, recordProcess } from '../runtime/metrics.ts';
import type { Endpoint } from './admission/endpoint.ts';
import { buildApp, type WebhookApp } from './app.ts';
import type { WebhookConfig } from './config.ts';
import { trackConnections } from './intake/guard-connections.ts';
import { openLeader, startLeaderTasks } from './lease/leader-tasks.ts';
import { validateClaim } from './review/claim.ts';
import { followOffers, type LiveOffers } from './review/live-offers.ts';
import { mutateNad, validateNad } from './review/nad.ts';
import { mutateNodePolicy, validateNodePolicy } from './review/node-policy.ts';
import { mutatePod, validatePod } from './review/pod.ts';
import type { ReviewDeps } from './review/review-facts.ts';
import { createLookupBudget, shareLookups } from './review/share-lookups.ts';
import { createWebhookLog } from './telemetry/webhook-log.ts';
import { createWebhookRecorder, type WebhookRecorder } from './telemetry/webhook-metrics.ts';
import {
  type CertificateSource,
  type CertificateStep,
  type FollowedCertificate,
  followCertificate,
  watchExpiry,
} from './tls/follow-certificate.ts';
import { followClientCa, readTlsSettings } from './tls/tls-settings.ts';

/**
 * Opens the certificate source that `--certificates` selects, and reports each step in the life of a certificate. If
 * the signal aborts, the start is cancelled.
 */
export type OpenCertificates = (
  source: LiveSource,
  onStep: (step: CertificateStep) => void,
  signal: AbortSignal,
) => Promise<CertificateSource & AsyncDisposable>;

/**
 * The maximum time for the webhook to stop. It suffices to answer all requests under way, because a look-up takes at
 * most a second.
 */
const closeGraceMs = 5_000;

/** Runs the webhook until the signal aborts. Requests that are under way at that moment are still answered. */
export async function runWebhook(
  config: WebhookConfig,
  log: Log,
  signal: AbortSignal,
  openCertificates: OpenCertificates,
): Promise<void> {
  const metrics = createMetrics();
  using _process = recordProcess(metrics, { component: 'webhook', version: packageFile.version });
  const recorder = createWebhookRecorder(metrics);
  const report = createWebhookLog(log, recorder);
  const eventCounter = countEvents(metrics);
  const parts: Parts = {};
  recordSource(metrics, () => parts.source);
  const missing = () => missingOf(parts, signal);
  await using health = await startHealthServer({ address: config['metrics-listen'], metrics, missing });
  report.health(health.address);

  await using source = await openSource(config);
  parts.source = source;
  using _faults = report.sourceFaults(source);
  using offers = followOffers({ source, onBug: report.offers });
  parts.offers = offers;
  using _leftOut = report.leftOut(offers);
  const app = createReviewApp({ config, source, offers, recorder, log, isStopping: () => signal.aborted });
  const connections = trackConnections(app.server);
  await using _app = { [Symbol.asyncDispose]: () => connections.endAfter(() => app.close(), closeGraceMs) };

  await using leader = await openLeader({ config, source, report, signal });
  using expiry = watchExpiry({ onOverdue: report.overdue });
  await using _leaderTasks =
    leader && startLeaderTasks({ leader, source, offers, expiry, config, report, log, count: eventCounter });
  await using certificates = await openCertificates(source, report.certificateStep, signal);
  using _certificateProblems = report.certificateProblems(certificates);
  const { 'client-ca-file': file } = config;
  using clientCa = file === undefined ? undefined : followClientCa({ file, onUnusable: report.clientCa });
  using certificate = followCertificate({
    server: app.server,
    source: certificates,
    tls: readTlsSettings(config),
    clientCa,
    onServed: (served) => {
      recorder.certificate(served);
      report.served(served.serial, served.expiresMs);
      expiry.served(served);
    },
    onUnusable: report.certificate,
  });
  parts.certificate = certificate;

  if (!signal.aborted) report.listening(await listenWith(app, config.listen));
  const calls = memoryCalls();
  using _start = releaseAfterRead(source, offers, calls);
  using _bursts = keepMemorySmall({ calls, restMs });
  await untilAborted(signal);
  report.ending(signal);
  await sleep(config.drain);
}

/** Modules that load on demand, and the first work of a leader, usually end within this time after the first read. */
const settleMs = 500;

/**
 * The shortest time between two releases of memory without a burst of work in between. A release delays admission
 * requests by up to 90 ms, and a few requests a second are enough for the memory to grow again.
 */
const restMs = 60_000;

/**
 * Returns the memory of the start and of the first read of all objects. Otherwise, V8 would keep its garbage until
 * there is as much new garbage, which takes hours in a quiet cluster. The pause is shorter than that of the first read.
 */
function releaseAfterRead(
  source: Pick<LiveSource, 'synced'>,
  offers: Pick<LiveOffers, 'onChange'>,
  calls: MemoryCalls,
): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    if (!source.synced || timer !== undefined) return;
    timer = setTimeout(() => releaseMemory(calls), settleMs).unref();
  };
  const changes = offers.onChange(start);
  start();
  return {
    [Symbol.dispose]() {
      changes[Symbol.dispose]();
      clearTimeout(timer);
    },
  };
}

/**
 * Loads functions of the C library on first use. Throws on use if this Node.js has no node:ffi, or the system has no
 * glibc. node:ffi is experimental, so Node.js prints a warning unless a flag disables it.
 */
export function memoryCalls(): MemoryCalls {
  let found: ReturnType<typeof open> | undefined;
  const open = () => {
    const { dlopen } = process.getBuiltinModule('node:ffi');
    return dlopen('libc.so.6', {
      malloc_trim: { arguments: ['uint64'], return: 'int32' },
      madvise: { arguments: ['uint64', 'uint64', 'int32'], return: 'int32' },
    } as const).functions;
  };
  const calls = () => (found ??= open());
  return {
    malloc_trim: (pad) => calls().malloc_trim(BigInt(pad)),
    madvise: (address, length, advice) => calls().madvise(BigInt(address), BigInt(length), advice),
  };
}

/** The parts that have started so far. */
interface Parts {
  source?: Pick<LiveSource, 'synced' | 'confirmedMs' | 'faults'>;
  offers?: Pick<LiveOffers, 'problem'>;
  certificate?: Pick<FollowedCertificate, 'isLoaded'>;
}

/** Returns the reasons why the webhook is not ready. The list is empty if it is ready. */
export function missingOf({ source, offers, certificate }: Parts, signal: AbortSignal): readonly string[] {
  return [
    ...(signal.aborted ? ['ending: no new requests should be sent'] : []),
    ...(source?.synced ? [] : ['the objects of the cluster have not been read yet']),
    ...(offers?.problem === undefined
      ? []
      : [`the offers could not be updated from the newest objects: ${offers.problem.message}`]),
    ...(certificate?.isLoaded ? [] : ['there is no serving certificate yet']),
  ];
}

async function listenWith(app: WebhookApp, { host, port }: ListenAddress): Promise<ListenAddress> {
  try {
    await app.listen({ host, port });
  } catch (thrown) {
    throw listenFailed({ host, port }, thrown);
  }
  return { host, port: (app.server.address() as AddressInfo).port };
}

export interface ReviewAppOptions {
  readonly config: WebhookConfig;
  readonly source: LiveSource;
  readonly offers: LiveOffers;
  readonly recorder: WebhookRecorder;
  readonly log: Log;
  readonly isStopping: () => boolean;
}

/** The time limit of one look-up, which may have several callers. */
const lookupDeadlineMs = 1_000;

/** Creates the app of a running webhook. At first, its server has no certificate. */
export function createReviewApp({ config, source, offers, recorder, log, isStopping }: ReviewAppOptions): WebhookApp {
  const endpoints = createEndpoints({
    source,
    offers,
    lookups: shareLookups({
      lookups: source.lookups,
      recorder,
      deadlineMs: lookupDeadlineMs,
      budget: createLookupBudget(),
    }),
    policyNamespace: config.namespace,
    multusNamespace: config['multus-namespace'],
    unknownResource: config['unknown-resource'],
    exposure: readExposure(config),
    dra: config.dra === 'On',
  });
  return buildApp({
    endpoints,
    recorder,
    log,
    tls: readTlsSettings(config),
    isStopping,
    clientNames: config['client-ca-file'] === undefined ? undefined : config['client-names'],
    limits: { connections: config['max-connections'], clientConnections: config['max-client-connections'] },
  });
}

/** Creates the endpoints of all paths of the webhook. */
export function createEndpoints(deps: ReviewDeps): readonly Endpoint[] {
  return [
    mutateNad(deps),
    validateNad(deps),
    mutatePod(deps),
    validatePod(deps),
    mutateNodePolicy(deps),
    validateNodePolicy(deps),
    validateClaim(deps, 'ResourceClaim'),
    validateClaim(deps, 'ResourceClaimTemplate'),
  ];
}
