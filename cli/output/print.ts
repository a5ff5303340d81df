// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';

/**
 * Writes to standard output, and resolves when it is written. That whoever reads it goes is no fault. Raises
 * FileNotWritten for everything else, such as a full disk: an exit code of 0 would say that all of it is there.
 */
export async function print(content: string | Uint8Array): Promise<void> {
  const { stdout } = process;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // A write that fails is told to its callback, and once more as an event, which would end the process.
  const ignore = () => {};
  stdout.on('error', ignore);
  const done = (error: Error | null | undefined) => (error ? reject(error) : resolve());
  try {
    stdout.write(content, done);
    await promise;
  } catch (thrown) {
    if (isGone(thrown)) return;
    throw new MacvtapError('FileNotWritten', `standard output: ${(thrown as Error).message}`, { cause: thrown });
  } finally {
    // The event comes after the callback.
    setImmediate(() => stdout.off('error', ignore));
  }
}

/** The same with a line's end. */
export async function printLine(text: string): Promise<void> {
  await print(`${text}\n`);
}

function isGone(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPIPE';
}
