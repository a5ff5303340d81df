// SPDX-License-Identifier: Apache-2.0

/** Where to watch from, as long as there is reason to believe that a watch from there misses nothing. */
export interface WatchVersion {
  /** Undefined: everything is to be listed first. */
  readonly current: string | undefined;
  listed(version: string): void;
  /**
   * Takes the version of an event or bookmark; false for one from before the last one, which no API server sends: its
   * objects were restored from a backup, or another server answers now. Then nothing that is known is to be believed.
   */
  heard(version: string): boolean;
  /** The server refused to watch from here, or ended the watch with this HTTP status. */
  refused(status: number): void;
  /**
   * Nothing at all was heard on a watch for longer than bookmarks take. Of a version that a restored server has not reached
   * yet it says neither that nor anything else until it is there, which may be days.
   */
  wasSilent(): void;
  forget(): void;
}

/** These say nothing about the version; 410 (compacted) and whatever is not here do. */
const indifferent: readonly number[] = [401, 403, 429, 502, 503];

/**
 * These mostly say nothing about it either, but may come again for as long as it is watched from here: `Too large resource
 * version` is a 504, an event that cannot be decoded a 500.
 */
const doubtful: readonly number[] = [500, 504];

/** How often in a row, without anything heard in between. */
const mostDoubts = 2;

export function followVersion(): WatchVersion {
  let current: string | undefined;
  let doubts = 0;
  const set = (version: string | undefined): void => {
    current = version;
    doubts = 0;
  };
  return {
    get current() {
      return current;
    },
    listed: set,
    heard(version) {
      const isLater = current === undefined || !isBefore(version, current);
      set(isLater ? version : undefined);
      return isLater;
    },
    refused(status) {
      if (indifferent.includes(status)) return;
      doubts += 1;
      if (!doubtful.includes(status) || doubts >= mostDoubts) set(undefined);
    },
    wasSilent: () => set(undefined),
    forget: () => set(undefined),
  };
}

/**
 * Versions of etcd are decimal numbers that only grow; two that are none cannot be compared.
 * Source: Kubernetes API concepts, "Resource versions".
 */
function isBefore(left: string, right: string): boolean {
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return false;
  return BigInt(left) < BigInt(right);
}
