// SPDX-License-Identifier: Apache-2.0
import { watch } from 'node:fs';

/** The kernel's events of a directory, for as long as it gives them; who watches must also look now and then. */
export function watchEvents(directory: string, listener: () => void): Disposable {
  try {
    const watcher = watch(directory, () => listener());
    watcher.on('error', () => watcher.close());
    return { [Symbol.dispose]: () => watcher.close() };
  } catch {
    // It is not there, or the kernel has no watches left.
    return { [Symbol.dispose]: () => undefined };
  }
}
