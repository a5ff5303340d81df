// SPDX-License-Identifier: Apache-2.0

/** Tells a person what is going on: one line for each step, with how long it took. */
export interface Progress {
  /** Runs a step and prints it when it is done. Ends with the signal, without waiting for the step. */
  step<Value>(title: string, run: () => Promise<Value> | Value): Promise<Value>;
  /** Prints text indented, between blank lines. */
  show(text: string): void;
}

export function createProgress(print: (line: string) => void, signal: AbortSignal): Progress {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => {});
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return {
    async step(title, run) {
      signal.throwIfAborted();
      const start = performance.now();
      const value = await Promise.race([run(), aborted]);
      print(`✓ ${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
      return value;
    },
    show: (text) => print(`\n${text.replaceAll(/^(?=.)/gm, '  ')}\n`),
  };
}
