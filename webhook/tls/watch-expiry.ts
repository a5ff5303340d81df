// SPDX-License-Identifier: Apache-2.0
import type { PersistentCondition } from '../../cluster/report/leader/persistent-conditions.ts';
import { createListeners } from '../../runtime/listeners.ts';

/** When a certificate is valid, in milliseconds since the epoch. */
export interface Validity {
  readonly startsMs: number;
  readonly expiresMs: number;
}

/** Watches whether the certificate in use is overdue for renewal. */
export interface ExpiryWatch extends Disposable {
  /** The certificate in use if it is overdue; undefined otherwise. */
  readonly overdue: Validity | undefined;
  /** Reports the certificate that is in use from now on. */
  served(certificate: Validity): void;
  /** Called after `overdue` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

export interface ExpiryWatchOptions {
  /** Called at each check while the certificate is overdue, because a single log line is easily missed months later. */
  readonly onOverdue: (certificate: Validity) => void;
  readonly lookMs?: number;
  readonly now?: () => number;
}

/**
 * The remaining share of the validity below which a certificate is overdue. A certificate from certs/ is due for
 * renewal when a sixth of its validity is left, because the validity begins one lifetime before the certificate is
 * made. cert-manager renews at a third. The alert KubeMacvtapCertificateNotRenewed uses the same share.
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
 * Returns an event for an overdue certificate. It is about the webhook's Service, which is the object that an operator
 * knows.
 */
export function expiryEvents(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  overdue: Validity | undefined,
): readonly PersistentCondition[] {
  if (overdue === undefined) return [];
  const expires = new Date(overdue.expiresMs).toISOString();
  const note =
    `the certificate of the webhook should have been renewed and was not; no review is answered after ${expires}: ` +
    "the webhook's log has the reason";
  const regarding = { apiVersion: 'v1', kind: 'Service', namespace, name };
  const event = { type: 'Warning', reason: 'CertificateNotRenewed', action: 'Renew', regarding, note } as const;
  return [{ key: `certificate ${expires}`, event }];
}
