// SPDX-License-Identifier: Apache-2.0
import { createBackOff } from '../runtime/pause.ts';
import { type Clock, type RenewalSettings, renewalSettings, systemClock } from './certificate-state.ts';
import {
  type BundlePublisher,
  type CertificateStore,
  decodeBundle,
  decodeState,
  encodeState,
} from './certificate-store.ts';
import { type CertificateEvent, createRenewalController, type Outcome } from './renewal-controller.ts';
import { followLooks, type ServedCertificate, toServedPair } from './served-certificate.ts';
import { makePair } from './serving-pair.ts';

export interface RenewCertificateOptions {
  readonly store: CertificateStore;
  readonly publisher: BundlePublisher;
  /** DNS names and addresses that clients use to connect. See serviceNames. */
  readonly names: readonly string[];
  readonly settings?: Partial<RenewalSettings> | undefined;
  /** How often the store and the publisher are read if neither reports a change. The default is a minute. */
  readonly pollMs?: number | undefined;
  /**
   * The time limit of one check, which reads the store and the publisher and takes at most one step. The default is 30
   * s.
   */
  readonly lookTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /**
   * Ends all checks, including one in progress, so that a stopping process does not wait for the store or the
   * publisher. The loaded certificate stays in use.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called with each event, for log and metrics. */
  readonly onEvent?: ((event: CertificateEvent) => void) | undefined;
}

/**
 * Issues and renews the certificate that all replicas share. It uses the stored certificate or makes a new one, renews
 * it, and publishes its CAs. The promise resolves after the first check, even if that check failed. While the store or
 * publisher is unavailable, the loaded certificate stays in use, and `problems` contains the reason. Throws a
 * RangeError for impossible settings.
 */
export async function renewCertificate(options: RenewCertificateOptions): Promise<ServedCertificate> {
  const { store, publisher, pollMs = 60_000, lookTimeoutMs = 30_000, onEvent = () => undefined } = options;
  const controller = createRenewalController({
    store,
    publisher,
    names: options.names,
    settings: renewalSettings(options.settings),
    clock: options.clock ?? systemClock,
    makePair,
    codec: { encodeState, decodeState, decodeBundle },
    onEvent,
  });
  const planLook = createLookPlan(pollMs);
  return await followLooks({
    signal: options.signal,
    watches: [(wake) => store.watch?.(wake), (wake) => publisher.watch?.(wake)],
    look: async (signal) => {
      const outcome = await controller.look(AbortSignal.any([signal, AbortSignal.timeout(lookTimeoutMs)]));
      const { served, problems } = controller;
      return { current: served && toServedPair(served), problems, ...planLook(outcome) };
    },
  });
}

/** The time until the next check, and whether a change in the store or publisher may shorten it. */
export interface NextLook {
  readonly waitMs: number;
  readonly mayBeEarlier: boolean;
}

/** Returns a function that plans the next check from the outcomes of previous checks. */
export function createLookPlan(pollMs: number, random: () => number = Math.random): (outcome: Outcome) => NextLook {
  let changes = 0;
  let failures = 0;
  return (outcome) => {
    changes = outcome.type === 'again' ? changes + 1 : 0;
    failures = outcome.type === 'failed' ? failures + 1 : 0;
    switch (outcome.type) {
      case 'settled':
        // Up to a quarter of the wait is random, so that replicas do not all check at the same time.
        return { waitMs: Math.max(minMs, Math.min(outcome.waitMs, pollMs * (1 - random() / 4))), mayBeEarlier: true };
      case 'again':
        // A renewal needs two changes in a row. Many more mean that another writer undoes them, so wait longer.
        return {
          waitMs: changes <= maxHasty ? random() * minMs : backOffMs(changes - maxHasty, random),
          mayBeEarlier: false,
        };
      case 'failed':
        // Do not react to events: a failed write may itself cause an event of the store. Such an event would start the
        // next attempt at once.
        return { waitMs: Math.min(pollMs, backOffMs(failures, random)), mayBeEarlier: false };
    }
  };
}

const backOffMs = createBackOff({ firstMs: 200, longestMs: 30_000 });
const maxHasty = 5;
const minMs = 20;
