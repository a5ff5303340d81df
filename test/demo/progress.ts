// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';

/** The longest wait for any step, on a busy machine that may run other demos. */
export const patienceMs = 60_000;

/** Prints one line for each step, with its duration. */
export interface Progress {
  /**
   * Runs a step and prints it when it is done. If the demo is aborted, rejects without waiting for the step. Otherwise,
   * rejects with the step's error. If the step timed out, that is DeadlineExceeded, which names other running demos.
   */
  step<Value>(title: string, run: () => Promise<Value> | Value): Promise<Value>;
  /** Prints text indented, between blank lines. */
  show(text: string): void;
}

export function createProgress(
  print: (line: string) => void,
  signal: AbortSignal,
  others: () => Promise<readonly number[]> = async () => [],
): Progress {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  aborted.catch(() => {});
  signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  return {
    async step(title, run) {
      signal.throwIfAborted();
      const start = performance.now();
      const value = await Promise.race([attempt(title, run), aborted]);
      print(`✓ ${title} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
      return value;
    },
    show: (text) => print(`\n${text.replaceAll(/^(?=.)/gm, '  ')}\n`),
  };

  async function attempt<Value>(title: string, run: () => Promise<Value> | Value): Promise<Value> {
    try {
      return await run();
    } catch (thrown) {
      if (!(thrown instanceof Error) || !/^not reached|did not print/.test(thrown.message)) throw thrown;
      throw await explain(title, thrown);
    }
  }

  async function explain(title: string, thrown: Error): Promise<MacvtapError> {
    const running = await others();
    const hint =
      running.length === 0
        ? 'try again when the machine is less busy'
        : `another demo runs as process ${running.join(' and ')}, which slows both down: end it, and try again`;
    return new MacvtapError('DeadlineExceeded', `${title}: ${thrown.message}; ${hint}`, { cause: thrown });
  }
}
