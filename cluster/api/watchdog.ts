// SPDX-License-Identifier: Apache-2.0

/** Waits for silence. */
export interface Watchdog extends Disposable {
  /** Something was heard: the time begins anew. */
  heard(): void;
  /** Whether it found silence. */
  readonly barked: boolean;
}

/** Calls `onSilence` once when nothing was heard for so long. */
export function startWatchdog(silenceMs: number, onSilence: () => void): Watchdog {
  let barked = false;
  const timer = setTimeout(() => {
    barked = true;
    onSilence();
  }, silenceMs);
  return {
    heard: () => void (barked || timer.refresh()),
    get barked() {
      return barked;
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
