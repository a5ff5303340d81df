// SPDX-License-Identifier: Apache-2.0

/** Waits that the end of a scope cuts short. */
export interface Sleeper {
  /** Also ends at a wake-up, be it one since the last wait of either kind ended. */
  sleep(ms: number): Promise<void>;
  /** Wake-ups until its end count as heard. */
  sleepThrough(ms: number): Promise<void>;
  wake(): void;
}

export function createSleeper(signal: AbortSignal): Sleeper {
  let isWoken = false;
  let onWake: () => void = () => undefined;
  let onEnd: () => void = () => undefined;
  signal.addEventListener('abort', () => onEnd(), { once: true });
  const wait = async (ms: number, mayWake: boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    onEnd = resolve;
    if (mayWake) onWake = resolve;
    if (signal.aborted || (mayWake && isWoken)) resolve();
    await promise;
    clearTimeout(timer);
    onWake = () => undefined;
    isWoken = false;
  };
  return {
    sleep: (ms) => wait(ms, true),
    sleepThrough: (ms) => wait(ms, false),
    wake() {
      isWoken = true;
      onWake();
    },
  };
}
