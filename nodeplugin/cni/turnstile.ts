// SPDX-License-Identifier: Apache-2.0

/** Lets so many in at once; the others wait in the order in which they came. */
export interface Turnstile {
  run<Value>(run: () => Promise<Value>): Promise<Value>;
}

export function createTurnstile(places: number): Turnstile {
  const waiting: (() => void)[] = [];
  let free = places;
  return {
    async run(run) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await run();
      } finally {
        // The place is handed on, not given back, so that nobody who comes now takes it from the next.
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
