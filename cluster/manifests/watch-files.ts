// SPDX-License-Identifier: Apache-2.0
import { watchDirectory } from '../../runtime/watch-directory.ts';

/** One look for all that changes together. */
const quietMs = 20;

/** The backup for what inotify does not tell: a network file system, a file behind a link. */
const pollMs = 2_000;

/** Calls `look` a moment after files changed: an editor or a config map mount touches several entries at once. */
export function watchFiles(directory: string, look: () => void): Disposable {
  let quiet: NodeJS.Timeout | undefined;
  const watching = watchDirectory({
    directory,
    isRelevant: () => true,
    pollMs,
    onChange: () => {
      clearTimeout(quiet);
      quiet = setTimeout(look, quietMs);
    },
  });
  return {
    [Symbol.dispose]() {
      watching[Symbol.dispose]();
      clearTimeout(quiet);
    },
  };
}
