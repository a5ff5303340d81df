// SPDX-License-Identifier: Apache-2.0
/** The times of a certificate's life and renewal, in milliseconds. */
export interface RenewalSettings {
  readonly lifetimeMs: number;
  /** A new pair is made when the old one has this much time left. */
  readonly renewBeforeMs: number;
  /** How long a new CA must be published before its certificate is served. */
  readonly overlapMs: number;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/**
 * Fills in defaults: a lifetime of a year, renewal after two thirds of the lifetime, and an overlap of ten minutes.
 * Throws a RangeError for times with which renewal fails:
 *
 * - A certificate could expire before its successor may be served.
 * - A successor could be due for renewal before it may be served. No successor would then ever be served.
 */
export function renewalSettings(given: Partial<RenewalSettings> = {}): RenewalSettings {
  const lifetimeMs = given.lifetimeMs ?? 365 * dayMs;
  const settings = { lifetimeMs, renewBeforeMs: lifetimeMs / 3, overlapMs: 10 * minuteMs, ...given };
  const { renewBeforeMs, overlapMs } = settings;
  // At least a second must pass before a renewal is due, because certificates have times in whole seconds.
  const dueAfterMs = lifetimeMs - renewBeforeMs;
  const isOverlapping = overlapMs >= 0 && overlapMs < renewBeforeMs && overlapMs < dueAfterMs;
  if (!(isOverlapping && dueAfterMs >= 1_000 && lifetimeMs <= maxMs)) {
    throw new RangeError(
      `a certificate that lives ${lifetimeMs} ms cannot be renewed ${renewBeforeMs} ms before its end with an overlap of ` +
        `${overlapMs} ms: the overlap must be shorter than the time before the renewal and the time after it, ` +
        'and the lifetime must be at most 10 years',
    );
  }
  return settings;
}

const maxMs = 10 * 365 * dayMs;

/** The two clocks of a machine. */
export interface Clock {
  /** Milliseconds since the epoch on the wall clock, which may jump in both directions. */
  readonly wallMs: () => number;
  /** Milliseconds since an arbitrary moment. This clock never jumps. It stops while the machine is suspended. */
  readonly steadyMs: () => number;
}

export const systemClock: Clock = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

/** The earliest and latest possible true time. They are equal until the wall clock jumps. */
export interface TimeSpan {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/**
 * Returns a function that compares both clocks since the process started. If they differ, the wall clock was set, and
 * either the old or the new time may be wrong. Decisions about renewals use the later time, because an early renewal is
 * harmless. Decisions about expiry use the earlier time.
 */
export function createTimeSpan(clock: Clock): () => TimeSpan {
  const begin = clock.wallMs() - clock.steadyMs();
  return () => {
    const [wallMs, steadyMs] = [clock.wallMs(), begin + clock.steadyMs()];
    return { earliestMs: Math.min(wallMs, steadyMs), latestMs: Math.max(wallMs, steadyMs) };
  };
}
