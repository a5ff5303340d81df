// SPDX-License-Identifier: Apache-2.0
import type { WriteStream } from 'node:tty';
import { MacvtapError } from '../../runtime/errors.ts';
import { printable, printableLines } from '../../runtime/terminal-text.ts';

/**
 * Writes to standard output, with control characters escaped, and resolves when everything is written. It is not an
 * error if the reader closes the pipe. Any other failure, such as a full disk, raises FileNotWritten. Exit code 0
 * therefore means that the output is complete, or that the reader closed the pipe.
 */
export async function print(content: string | Uint8Array): Promise<void> {
  const { stdout } = process;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // A failed write calls the callback and also emits an event. This listener is needed because the event would
  // otherwise end the process.
  const ignore = () => {};
  stdout.on('error', ignore);
  const done = (error: Error | null | undefined) => (error ? reject(error) : resolve());
  try {
    stdout.write(typeof content === 'string' ? printableLines(content) : content, done);
    await promise;
  } catch (thrown) {
    if (isGone(thrown)) return;
    throw new MacvtapError('FileNotWritten', `standard output: ${(thrown as Error).message}`, { cause: thrown });
  } finally {
    // Remove the listener later, because the event is emitted after the callback.
    setImmediate(() => stdout.off('error', ignore));
  }
}

/** Prints text like `print`, followed by a line end. */
export async function printLine(text: string): Promise<void> {
  await print(`${text}\n`);
}

/** Writes a line to standard error, with control characters escaped. */
export function printToStderr(text: string): void {
  console.error(printableLines(text));
}

function isGone(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPIPE';
}

/** Shows on a terminal what the command is waiting for. */
export interface Progress {
  /**
   * Starts a step that may take long. Disposing of the result clears the line. `isLong` means that the step blocks the
   * event loop. It is then shown at once, because a timer would not run.
   */
  begin(text: string, isLong?: boolean): { update(text: string): void } & Disposable;
}

/** The size from which parsing YAML takes a second or more. */
export const longYAMLBytes = 2 * 1024 * 1024;

/** The time after which a step becomes visible. */
const patienceMs = 1_000;

/**
 * Creates a progress line for a terminal. It appears when a step takes longer than a second. If the stream is not a
 * terminal, nothing is written.
 */
export function startProgress(stream: Pick<WriteStream, 'isTTY' | 'columns' | 'write'>): Progress {
  return {
    begin(text, isLong = false) {
      if (!stream.isTTY) return { update: () => {}, [Symbol.dispose]: () => {} };
      let current = text;
      let isShown = false;
      const show = () => {
        isShown = true;
        stream.write(`\r\u001b[K${printable(current).slice(0, Math.max(1, (stream.columns || 80) - 1))}`);
      };
      if (isLong) show();
      const timer = setTimeout(show, patienceMs);
      return {
        update(next) {
          current = next;
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
