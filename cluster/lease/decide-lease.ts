// SPDX-License-Identifier: Apache-2.0

/** What a Lease says of who holds it. */
export interface LeaseRecord {
  /** Undefined where nobody does: it was given back, or never taken. */
  readonly holder: string | undefined;
  /** For how long it counts as held after the last sign of its holder. */
  readonly durationMs: number;
  /** How often it went from one holder to another. */
  readonly transitions: number;
}

/** How a candidate sees it. */
export interface LeaseSight {
  /** The candidate itself. */
  readonly identity: string;
  /** For how long, by its own clock, it has seen no change of the Lease: clocks of machines are not compared. */
  readonly unchangedMs: number;
}

export type LeaseDecision =
  | { readonly what: 'take' | 'renew'; readonly transitions: number }
  | { readonly what: 'wait'; readonly ms: number };

/**
 * Whether a candidate takes a Lease, renews it, or waits. One that nobody holds is taken at once, one of somebody else
 * when its holder gave no sign for its duration.
 */
export function decideLease(record: LeaseRecord, { identity, unchangedMs }: LeaseSight): LeaseDecision {
  const { holder, durationMs, transitions } = record;
  if (holder === identity) return { what: 'renew', transitions };
  if (holder === undefined) return { what: 'take', transitions: transitions + 1 };
  const leftMs = durationMs - unchangedMs;
  return leftMs > 0 ? { what: 'wait', ms: leftMs } : { what: 'take', transitions: transitions + 1 };
}
