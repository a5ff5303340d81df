// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename } from 'node:path';

export interface DirectoryWatchOptions {
  readonly directory: string;
  /** The directory may be noisy: only these names matter. */
  readonly isRelevant: (name: string) => boolean;
  readonly pollMs: number;
  /** Something may have changed: look. Also called at each poll. */
  readonly onChange: () => void;
}

/**
 * Watches a directory that may not exist, or vanish and come again. inotify follows the inode, not the path, so the watch
 * is opened anew whenever the path leads to another inode; the poll finds that, and whatever an event did not tell.
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
    // An event of the directory itself (it was deleted or moved) carries the directory's own name.
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

/** What tells a directory from one made anew in its place, whose inode may have the same number. */
function identify(directory: string): string | undefined {
  const found = statSync(directory, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}:${found.birthtimeNs}`;
}

/** Undefined when the kernel gives no watch (gone again, or out of inotify watches): the poll goes on alone. */
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
