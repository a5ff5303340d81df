// SPDX-License-Identifier: Apache-2.0

/** How long certificates live and how a renewal goes; all in milliseconds. */
export interface RenewalSettings {
  readonly lifetimeMs: number;
  /** A new pair is made when this much is left of the old one's life. */
  readonly renewBeforeMs: number;
  /** For how long a new authority must have been published before its certificate is served. */
  readonly overlapMs: number;
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/**
 * Fills in what is not given: a year, renewed at two thirds of it, ten minutes of overlap. Throws a RangeError for times
 * with which a certificate would expire before its successor may be served, or that one be due itself by then: each
 * successor would have another, and none ever be served.
 */
export function renewalSettings(given: Partial<RenewalSettings> = {}): RenewalSettings {
  const lifetimeMs = given.lifetimeMs ?? 365 * dayMs;
  const settings = { lifetimeMs, renewBeforeMs: lifetimeMs / 3, overlapMs: 10 * minuteMs, ...given };
  const { renewBeforeMs, overlapMs } = settings;
  // Certificates know whole seconds: what is shorter may have passed when it begins.
  const dueAfterMs = lifetimeMs - renewBeforeMs;
  const isOverlapping = overlapMs >= 0 && overlapMs < renewBeforeMs && overlapMs < dueAfterMs;
  if (!(isOverlapping && dueAfterMs >= 1_000 && lifetimeMs <= maxMs)) {
    throw new RangeError(
      `a certificate that lives ${lifetimeMs} ms cannot be renewed ${renewBeforeMs} ms before its end with an overlap of ` +
        `${overlapMs} ms: the overlap must be shorter than each of the two parts of the life, and the life at most 10 years`,
    );
  }
  return settings;
}

const maxMs = 10 * 365 * dayMs;
