// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { HeldDevices } from './held-devices.ts';

/** `unknown`: no answer yet. `partial`: kubelet may not know all its pods yet. `stale`: the last question failed. */
export interface HeldState {
  readonly phase: 'unknown' | 'partial' | 'known' | 'stale';
  /** Since the question whose answer `current` is; undefined while there is none. */
  readonly ageMs: number | undefined;
  readonly lastError: MacvtapError | undefined;
}

/** The last good answer and what happened since. */
export interface HeldView {
  readonly current: HeldDevices | undefined;
  readonly state: HeldState;
  /** A failure leaves `current` as it is. */
  set(news: HeldDevices | MacvtapError): void;
  /** Calls back when the devices, their completeness, the phase or the kind of failure changed: not for a new time. */
  onChange(listener: () => void): Disposable;
}

export function createHeldView(): HeldView {
  const listeners = new Set<() => void>();
  let current: HeldDevices | undefined;
  let lastError: MacvtapError | undefined;

  const phase = (): HeldState['phase'] => {
    if (current === undefined) return 'unknown';
    if (lastError !== undefined) return 'stale';
    return current.complete ? 'known' : 'partial';
  };
  const content = () => ({ devices: current?.devices, phase: phase(), failure: lastError?.code });
  return {
    get current() {
      return current;
    },
    get state() {
      return { phase: phase(), ageMs: current && performance.now() - current.askedAtMs, lastError };
    },
    set: (news) => {
      const before = content();
      if (news instanceof Error) lastError = news;
      else {
        current = news;
        lastError = undefined;
      }
      if (isDeepStrictEqual(content(), before)) return;
      for (const listener of [...listeners]) listener();
    },
    onChange: (listener) => {
      // Wrapped, so that the same function given twice is two subscriptions.
      const entry = (): void => listener();
      listeners.add(entry);
      return { [Symbol.dispose]: () => void listeners.delete(entry) };
    },
  };
}
