// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename } from 'node:path';

export interface DirectoryWatchOptions {
  readonly directory: string;
  /** Returns whether changes of this file matter. */
  readonly isRelevant: (name: string) => boolean;
  readonly pollMs: number;
  /** Called when something may have changed, and at each poll. */
  readonly onChange: () => void;
}

/**
 * Watches a directory that may be missing, disappear and appear again. inotify follows the inode, not the path, so the
 * watch is opened again when the path has another inode. The poll detects a new inode, and changes that caused no
 * event.
 */
export function watchDirectory({ directory, isRelevant, pollMs, onChange }: DirectoryWatchOptions): Disposable {
  let watcher: FSWatcher | undefined;
  let watched: string | undefined;

  const rearm = (): void => {
    const found = identify(directory);
    if (watcher !== undefined && found === watched) return;
    disarm();
    if (found === undefined) return;
    watcher = openWatch(directory, onEvent, disarm);
    watched = found;
  };
  const disarm = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const onEvent = (name: string | null): void => {
    // An event with the name of the directory means that the directory itself was deleted or moved.
    const itself = name === null || name === basename(directory);
    if (itself) rearm();
    if (itself || isRelevant(name)) onChange();
  };

  rearm();
  const timer = setInterval(() => {
    rearm();
    onChange();
  }, pollMs);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      disarm();
    },
  };
}

/**
 * Returns an identity of the directory. A recreated directory may have the same inode number, but has another birth
 * time.
 */
function identify(directory: string): string | undefined {
  const found = statSync(directory, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}:${found.birthtimeNs}`;
}

/**
 * Opens a watch. Returns undefined if the kernel refuses it, because the directory is missing or the limit of inotify
 * watches is reached. Then only the poll detects changes.
 */
function openWatch(
  directory: string,
  onEvent: (name: string | null) => void,
  onError: () => void,
): FSWatcher | undefined {
  try {
    const watcher = watch(directory, (_, name) => onEvent(name));
    watcher.on('error', onError);
    return watcher;
  } catch {
    return undefined;
  }
}
