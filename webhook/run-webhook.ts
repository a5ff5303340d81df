// SPDX-License-Identifier: Apache-2.0
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSource } from '../cluster/open-source.ts';
import { recordSource } from '../cluster/record-source.ts';
import { countEvents } from '../cluster/report/events/count-events.ts';
import type { LiveSource } from '../cluster/source.ts';
import packageFile from '../package.json' with { type: 'json' };
import { startHealthServer } from '../runtime/health-server.ts';
import { type ListenAddress, listenFailed } from '../runtime/listen-address.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { recordProcess } from '../runtime/record-process.ts';
import { untilAborted } from '../runtime/until-aborted.ts';
import type { WebhookApp } from './app.ts';
import { trackConnections } from './close-server.ts';
import type { WebhookConfig } from './config.ts';
import { createReviewApp } from './create-review-app.ts';
import { createNotices } from './notices.ts';
import { watchOffers } from './offers-view.ts';
import { openLeader } from './open-leader.ts';
import { openStandingEvents } from './open-standing-events.ts';
import { recordReviews } from './record-reviews.ts';
import type { CertificateSource, CertificateStep } from './tls/certificate-source.ts';
import { type FollowedCertificate, followCertificate } from './tls/follow-certificate.ts';
import { watchExpiry } from './tls/watch-expiry.ts';

/** Opens what --certificates names, and tells every step that it takes from then on; the signal ends a start in vain. */
export type OpenCertificates = (
  source: LiveSource,
  onStep: (step: CertificateStep) => void,
  signal: AbortSignal,
) => Promise<CertificateSource & AsyncDisposable>;

/** What is under way is answered within it: look-ups take a second at most, and all else is computed. */
const closeGraceMs = 5_000;

/** Runs the webhook until the signal ends it; reviews that are under way then are answered. */
export async function runWebhook(
  config: WebhookConfig,
  log: Log,
  signal: AbortSignal,
  openCertificates: OpenCertificates,
): Promise<void> {
  const metrics = createMetrics();
  using _process = recordProcess(metrics, { component: 'webhook', version: packageFile.version });
  const recorder = recordReviews(metrics);
  const tell = createNotices(log, recorder);
  const count = countEvents(metrics);
  const parts: Parts = {};
  recordSource(metrics, () => parts.source);
  const missing = () => missingOf(parts, signal);
  await using health = await startHealthServer({ address: config['metrics-listen'], metrics, missing });
  tell.health(health.address);

  await using source = await openSource(config);
  parts.source = source;
  using _faults = tell.sourceFaults(source);
  using offers = watchOffers({ source, onBug: tell.offers });
  const app = createReviewApp({ config, source, offers, recorder, log, isStopping: () => signal.aborted });
  const connections = trackConnections(app.server);
  await using _app = { [Symbol.asyncDispose]: () => connections.endAfter(() => app.close(), closeGraceMs) };

  await using leader = await openLeader({ config, source, tell, signal });
  using expiry = watchExpiry({ onOverdue: tell.overdue });
  await using _standing = leader && openStandingEvents({ leader, source, offers, expiry, config, log, count });
  await using certificates = await openCertificates(source, tell.certificateStep, signal);
  using _certificateFaults = tell.certificateFaults(certificates);
  using certificate = followCertificate({
    server: app.server,
    source: certificates,
    onServed: (served) => {
      recorder.certificate(served);
      tell.served(served.serial, served.expiresMs);
      expiry.served(served);
    },
    onFault: tell.certificate,
  });
  parts.certificate = certificate;

  if (!signal.aborted) tell.listening(await listenWith(app, config.listen));
  await untilAborted(signal);
  tell.ending(signal);
  await sleep(config.drain);
}

/** What there is so far. */
interface Parts {
  source?: LiveSource;
  certificate?: FollowedCertificate;
}

/** What readiness lacks, in words. */
function missingOf({ source, certificate }: Parts, signal: AbortSignal): readonly string[] {
  return [
    ...(signal.aborted ? ['ending: no new reviews should be sent'] : []),
    ...(source?.synced ? [] : ['the objects of the cluster were not read yet']),
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
