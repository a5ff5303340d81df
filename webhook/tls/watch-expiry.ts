// SPDX-License-Identifier: Apache-2.0
import type { PersistentCondition } from '../../cluster/report/leader/persistent-conditions.ts';
import { createListeners } from '../../runtime/listeners.ts';

/** The validity period of a certificate, in milliseconds since the epoch. */
export interface Validity {
  readonly startsMs: number;
  readonly expiresMs: number;
}

/** Watches whether the certificate in use is overdue for renewal. */
export interface ExpiryWatch extends Disposable {
  /** The certificate in use if it is overdue. Otherwise undefined. */
  readonly overdue: Validity | undefined;
  /** Sets the certificate that is in use from now on. */
  served(certificate: Validity): void;
  /** Calls the listener after `overdue` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

export interface ExpiryWatchOptions {
  /** Called at each check while the certificate is overdue, because an operator can easily miss a single log line. */
  readonly onOverdue: (certificate: Validity) => void;
  readonly lookMs?: number;
  readonly now?: () => number;
}

/**
 * A certificate is overdue when less than this share of its validity is left. Certificates from certs/ are due for
 * renewal when a sixth of the validity is left. That is a third of the lifetime: the validity is two lifetimes long,
 * because it begins one lifetime before the certificate is made. cert-manager renews at a third. The alert
 * KubeMacvtapCertificateNotRenewed uses the same share as this constant.
 */
export const overdueShare = 0.1;

const hourMs = 3_600_000;

export function watchExpiry({ onOverdue, lookMs = hourMs, now = Date.now }: ExpiryWatchOptions): ExpiryWatch {
  const listeners = createListeners();
  let inUse: Validity | undefined;
  let overdue: Validity | undefined;
  const look = (): void => {
    const before = overdue;
    overdue = inUse !== undefined && isOverdue(inUse, now()) ? inUse : undefined;
    if (overdue !== undefined) onOverdue(overdue);
    if (overdue !== before) listeners.notify();
  };
  const timer = setInterval(look, lookMs);
  return {
    get overdue() {
      return overdue;
    },
    served(certificate) {
      inUse = certificate;
      look();
    },
    onChange: listeners.add,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function isOverdue({ startsMs, expiresMs }: Validity, nowMs: number): boolean {
  return expiresMs - nowMs < (expiresMs - startsMs) * overdueShare;
}

/**
 * Returns an event for an overdue certificate. Its object is the webhook's Service, because operators know that object.
 */
export function expiryEvents(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  overdue: Validity | undefined,
): readonly PersistentCondition[] {
  if (overdue === undefined) return [];
  const expires = new Date(overdue.expiresMs).toISOString();
  const note =
    'the certificate of the webhook should have been renewed, but was not; ' +
    `after ${expires}, no admission request is answered; the webhook's log has the reason`;
  const regarding = { apiVersion: 'v1', kind: 'Service', namespace, name };
  const event = { type: 'Warning', reason: 'CertificateNotRenewed', action: 'Renew', regarding, note } as const;
  return [{ key: `certificate ${expires}`, event }];
}
