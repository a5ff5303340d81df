// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import type { LeaseKeeper } from '../cluster/lease/keep-lease.ts';
import type { EventCounter } from '../cluster/report/events/count-events.ts';
import { openEventRecorder } from '../cluster/report/events/open-recorder.ts';
import type { LiveSource } from '../cluster/source.ts';
import type { Log } from '../runtime/log.ts';
import type { WebhookConfig } from './config.ts';
import { type StandingOptions, tellStandingEvents } from './tell-standing-events.ts';

export interface StandingEventsOptions {
  readonly leader: Pick<LeaseKeeper, 'whileHeld'>;
  readonly source: LiveSource;
  readonly offers: StandingOptions['offers'];
  readonly expiry: StandingOptions['expiry'];
  readonly config: Pick<WebhookConfig, 'namespace' | 'service-name'>;
  readonly log: Log;
  readonly count: EventCounter;
}

/** Has the holder of the Lease, and nobody else, tell what the state of the cluster gives reason for. */
export function openStandingEvents(options: StandingEventsOptions): AsyncDisposable {
  const { leader, source, offers, expiry, config, log, count } = options;
  const service = { namespace: config.namespace, name: config['service-name'] };
  const recorder = openEventRecorder(
    source.origin,
    { component: 'kube-macvtap-webhook', instance: hostname() },
    log,
    count,
  );
  const duty = leader.whileHeld((signal) => tellStandingEvents({ source, offers, recorder, expiry, service }, signal));
  return {
    async [Symbol.asyncDispose]() {
      duty[Symbol.dispose]();
      await recorder[Symbol.asyncDispose]();
    },
  };
}
