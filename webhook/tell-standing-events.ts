// SPDX-License-Identifier: Apache-2.0
import { type Pause, pause as reallyPause } from '../cluster/api/pause.ts';
import type { EventRecorder } from '../cluster/report/events/cluster-event.ts';
import { conflictEvents } from '../cluster/report/events/conflict-events.ts';
import { createStandingEvents } from '../cluster/report/events/standing-events.ts';
import { unofferedEvents } from '../cluster/report/events/unoffered-events.ts';
import type { Source } from '../cluster/source.ts';
import type { OffersView } from './offers-view.ts';
import { expiryEvents } from './tls/expiry-events.ts';
import type { ExpiryWatch } from './tls/watch-expiry.ts';

export interface StandingOptions {
  readonly source: Pick<Source, 'snapshot' | 'synced' | 'onChange'>;
  readonly offers: Pick<OffersView, 'current' | 'onChange'>;
  readonly recorder: EventRecorder;
  /** Of the certificate that this replica shows. */
  readonly expiry: Pick<ExpiryWatch, 'overdue' | 'onChange'>;
  /** By which the API server reaches the webhook. */
  readonly service: { readonly namespace: string; readonly name: string };
  readonly settleMs?: number;
  readonly pause?: Pause;
  readonly now?: () => number;
}

/** Nodes follow an edit within a second, one that just joined within ten. */
const defaultSettleMs = 10_000;

/**
 * Tells what the state of the cluster gives reason for, until the signal ends it: a duty of who holds the Lease. After a
 * change it looks once in half the time that something has to stand, however many more come.
 */
export async function tellStandingEvents(options: StandingOptions, signal: AbortSignal): Promise<void> {
  const { source, offers, recorder, expiry, service, settleMs = defaultSettleMs } = options;
  const { pause = reallyPause, now = () => performance.now() } = options;
  const standing = createStandingEvents(settleMs);
  let news = Promise.withResolvers<void>();
  using _changes = source.onChange(() => news.resolve());
  // They follow the source in slices, and may be looked at before they have.
  using _offers = offers.onChange(() => news.resolve());
  using _expiry = expiry.onChange(() => news.resolve());

  const onAbort = () => news.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  while (!signal.aborted) {
    news = Promise.withResolvers();
    // What was not read yet is not missing.
    if (source.synced) {
      const { snapshot } = source;
      const found = [
        ...conflictEvents(snapshot),
        ...unofferedEvents(snapshot, offers.current),
        ...expiryEvents(service, expiry.overdue),
      ];
      for (const event of standing.look(found, now())) recorder.record(event);
    }
    const waitMs = standing.waitMs(now());
    if (waitMs === undefined) await news.promise;
    await pause(Math.max(waitMs ?? 0, settleMs / 2), signal);
  }
  signal.removeEventListener('abort', onAbort);
}
