// SPDX-License-Identifier: Apache-2.0
import type { WriteStream } from 'node:tty';

/** Tells who waits at a terminal what is waited for. */
export interface Progress {
  /** Something begins that may take long; its end clears the line. */
  begin(text: string): { say(text: string): void } & Disposable;
}

/** What takes less needs no words. */
const patienceMs = 1_000;

/** One line on a terminal, from the first second on; elsewhere nothing. */
export function startProgress(stream: Pick<WriteStream, 'isTTY' | 'columns' | 'write'>): Progress {
  return {
    begin(text) {
      if (!stream.isTTY) return { say: () => {}, [Symbol.dispose]: () => {} };
      let told = text;
      let isShown = false;
      const show = () => {
        isShown = true;
        stream.write(`\r\u001b[K${told.slice(0, Math.max(1, (stream.columns || 80) - 1))}`);
      };
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
