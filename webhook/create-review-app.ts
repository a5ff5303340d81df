// SPDX-License-Identifier: Apache-2.0
import type { LiveSource } from '../cluster/source.ts';
import { readExposure } from '../cluster/wanted.ts';
import type { Log } from '../runtime/log.ts';
import { buildApp, type WebhookApp } from './app.ts';
import type { WebhookConfig } from './config.ts';
import type { OffersView } from './offers-view.ts';
import type { ReviewRecorder } from './record-reviews.ts';
import { createEndpoints } from './routes.ts';
import { shareLookups } from './share-lookups.ts';
import { tlsDefaults } from './tls/follow-certificate.ts';

export interface ReviewAppOptions {
  readonly config: WebhookConfig;
  readonly source: LiveSource;
  readonly offers: OffersView;
  readonly recorder: ReviewRecorder;
  readonly log: Log;
  readonly isStopping: () => boolean;
}

/** One look-up, however many wait for it. */
const lookupDeadlineMs = 1_000;

/** The app on the parts of a running webhook. Its server has no certificate yet. */
export function createReviewApp({ config, source, offers, recorder, log, isStopping }: ReviewAppOptions): WebhookApp {
  const endpoints = createEndpoints({
    source,
    offers,
    lookups: shareLookups({ lookups: source.lookups, recorder, deadlineMs: lookupDeadlineMs }),
    policyNamespace: config.namespace,
    multusNamespace: config['multus-namespace'],
    unknownResource: config['unknown-resource'],
    exposure: readExposure(config),
  });
  return buildApp({ endpoints, recorder, log, tls: tlsDefaults, isStopping });
}
