// SPDX-License-Identifier: Apache-2.0

/** When a certificate is valid, in milliseconds since the epoch. */
export interface Validity {
  readonly startsMs: number;
  readonly expiresMs: number;
}

/** Looks whether the certificate in use should have been renewed long since. */
export interface ExpiryWatch extends Disposable {
  /** The one in use, where it should have been; undefined while all is well. */
  readonly overdue: Validity | undefined;
  /** This one is in use from now on. */
  served(certificate: Validity): void;
  /** Called after `overdue` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}

export interface ExpiryWatchOptions {
  /** Told at each look for as long as it is so: what is told once is not read months later. */
  readonly onOverdue: (certificate: Validity) => void;
  readonly lookMs?: number;
  readonly now?: () => number;
}

/**
 * A certificate of our own is valid for a life before it was made as well, and has a sixth of that left when it is due
 * (certs/); cert-manager renews at a third. The alert KubeMacvtapCertificateNotRenewed has the same share.
 */
export const overdueShare = 0.1;

const hourMs = 3_600_000;

export function watchExpiry({ onOverdue, lookMs = hourMs, now = Date.now }: ExpiryWatchOptions): ExpiryWatch {
  const listeners = new Set<() => void>();
  let inUse: Validity | undefined;
  let overdue: Validity | undefined;
  const look = (): void => {
    const before = overdue;
    overdue = inUse !== undefined && isOverdue(inUse, now()) ? inUse : undefined;
    if (overdue !== undefined) onOverdue(overdue);
    if (overdue !== before) for (const listener of listeners) listener();
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
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function isOverdue({ startsMs, expiresMs }: Validity, nowMs: number): boolean {
  return expiresMs - nowMs < (expiresMs - startsMs) * overdueShare;
}
