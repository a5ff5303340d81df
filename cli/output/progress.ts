// SPDX-License-Identifier: Apache-2.0
import type { WriteStream } from 'node:tty';

/** Tells who waits at a terminal what is waited for. */
export interface Progress {
  /**
   * Something begins that may take long; its end clears the line. What is known to take long, and lets no timer run
   * meanwhile, is told at once.
   */
  begin(text: string, isLong?: boolean): { say(text: string): void } & Disposable;
}

/** So much YAML takes a second or more to be read. */
export const longYAMLBytes = 2 * 1024 * 1024;

/** What takes less needs no words. */
const patienceMs = 1_000;

/** One line on a terminal, from the first second on; elsewhere nothing. */
export function startProgress(stream: Pick<WriteStream, 'isTTY' | 'columns' | 'write'>): Progress {
  return {
    begin(text, isLong = false) {
      if (!stream.isTTY) return { say: () => {}, [Symbol.dispose]: () => {} };
      let told = text;
      let isShown = false;
      const show = () => {
        isShown = true;
        stream.write(`\r\u001b[K${told.slice(0, Math.max(1, (stream.columns || 80) - 1))}`);
      };
      if (isLong) show();
      const timer = setTimeout(show, patienceMs);
      return {
        say(next) {
          told = next;
          if (isShown) show();
        },
        [Symbol.dispose]() {
          clearTimeout(timer);
          if (isShown) stream.write('\r\u001b[K');
        },
      };
    },
  };
}
