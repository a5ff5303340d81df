// SPDX-License-Identifier: Apache-2.0

/** The two clocks of a machine. */
export interface Clock {
  /** Milliseconds since 1970, as the machine believes them to be: may jump, both ways. */
  readonly wallMs: () => number;
  /** Milliseconds since whenever: never jumps, and stands still while the machine is suspended. */
  readonly steadyMs: () => number;
}

export const systemClock: Clock = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

/** What the time may be. Both ends are the same as long as the clock did not jump. */
export interface TimeSpan {
  readonly earliestMs: number;
  readonly latestMs: number;
}

/**
 * Tells the time since a process began by both clocks. Where they differ the wall clock was set, and nobody can say
 * whether it was wrong before or is now; so what is harmless when it comes too early (a renewal) goes by the later
 * time, and what is not (taking a certificate for expired) by the earlier.
 */
export function createTimeSpan(clock: Clock): () => TimeSpan {
  const begin = clock.wallMs() - clock.steadyMs();
  return () => {
    const [wallMs, steadyMs] = [clock.wallMs(), begin + clock.steadyMs()];
    return { earliestMs: Math.min(wallMs, steadyMs), latestMs: Math.max(wallMs, steadyMs) };
  };
}
