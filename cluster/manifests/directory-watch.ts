// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, watch } from 'node:fs';

/** The backup for what inotify does not tell: a directory made anew, a network file system. */
const backupMs = 2_000;

/** An editor or a config map mount touches several entries at once: one look for all of them. */
const quietMs = 20;

/**
 * Calls `look` some milliseconds after something changed in a directory, and every two seconds in any case. A directory
 * that is not there, or goes away, is looked for by the backup, and watched again once it is back.
 */
export function watchDirectory(directory: string, look: () => void): Disposable {
  let watcher = open();
  let quiet: NodeJS.Timeout | undefined;
  const backup = setInterval(() => {
    watcher ??= open();
    look();
  }, backupMs);

  function open(): FSWatcher | undefined {
    try {
      const opened = watch(directory, () => {
        clearTimeout(quiet);
        quiet = setTimeout(look, quietMs);
      });
      opened.on('error', forget);
      // A directory that is removed reports its own name once and then nothing any more.
      opened.on('change', (event, name) => event === 'rename' && name === directory.split('/').at(-1) && forget());
      return opened;
    } catch {
      return undefined;
    }
  }

  function forget(): void {
    watcher?.close();
    watcher = undefined;
  }

  return {
    [Symbol.dispose]() {
      clearInterval(backup);
      clearTimeout(quiet);
      forget();
    },
  };
}
