// SPDX-License-Identifier: Apache-2.0
import { isSameSpec } from '../../policy/nodepolicy/review-admission.ts';
import { type ApiObject, keyOf } from './api-resource.ts';

/** The known objects of one resource. */
export interface WatchState {
  /** By `namespace/name`. Setting an equal object keeps the existing one, so that its identity does not change. */
  readonly objects: ReadonlyMap<string, ApiObject>;
  /** Adds or replaces one object. Returns whether that changed anything. `delete` and `replace` return the same. */
  set(object: ApiObject): boolean;
  delete(object: ApiObject): boolean;
  /** Replaces all objects with a new list. Objects that are missing from the list were deleted. */
  replace(objects: readonly ApiObject[]): boolean;
}

export function createWatchState(): WatchState {
  const objects = new Map<string, ApiObject>();
  const set = (object: ApiObject): boolean => {
    const key = keyOf(object);
    if (isSame(objects.get(key), object)) return false;
    objects.set(key, object);
    return true;
  };
  return {
    objects,
    set,
    delete: (object) => objects.delete(keyOf(object)),
    replace(listed) {
      const keys = new Set(listed.map(keyOf));
      const gone = [...objects.keys()].filter((key) => !keys.has(key));
      for (const key of gone) objects.delete(key);
      const changed = listed.map(set);
      return gone.length > 0 || changed.includes(true);
    },
  };
}

/** Compares values without recursion, because the API server accepts deeply nested values. */
function isSame(left: unknown, right: unknown): boolean {
  return isSameSpec({ spec: left }, { spec: right });
}

/** Tracks the version to watch from. Drops the version if a watch from it could miss events. */
export interface WatchVersion {
  /** Undefined if all objects must be listed before the next watch. */
  readonly current: string | undefined;
  listed(version: string): void;
  /**
   * Sets the version to that of an event or bookmark. Returns false if it is older than the last version. In that case,
   * the API server was restored from a backup, or another server now answers. No known object can then be trusted.
   */
  advance(version: string): boolean;
  /** Records the HTTP status with which the server refused or ended a watch from this version. */
  refused(status: number): void;
  /**
   * Records that a watch was silent for longer than the bookmark interval. A restored server sends nothing until it
   * reaches the requested version, which may take days.
   */
  wasSilent(): void;
  forget(): void;
}

/** Statuses that do not depend on the version. Any other status, such as 410 (compacted), may depend on it. */
const unrelated: readonly number[] = [401, 403, 429, 502, 503];

/**
 * Statuses that may or may not be caused by the version. If the version is the cause, every watch from it fails: `Too
 * large resource version` is a 504, and an event that cannot be decoded is a 500.
 */
const ambiguous: readonly number[] = [500, 504];

/** The number of ambiguous failures in a row after which the version is dropped. */
const mostAmbiguous = 2;

export function followVersion(): WatchVersion {
  let current: string | undefined;
  let failures = 0;
  const set = (version: string | undefined): void => {
    current = version;
    failures = 0;
  };
  return {
    get current() {
      return current;
    },
    listed: set,
    advance(version) {
      const isLater = current === undefined || !isBefore(version, current);
      set(isLater ? version : undefined);
      return isLater;
    },
    refused(status) {
      if (unrelated.includes(status)) return;
      failures += 1;
      if (!ambiguous.includes(status) || failures >= mostAmbiguous) set(undefined);
    },
    wasSilent: () => set(undefined),
    forget: () => set(undefined),
  };
}

/**
 * Returns whether the left version is older than the right one. Versions of etcd are decimal numbers that only grow.
 * Other texts cannot be compared. Source: Kubernetes API concepts, "Resource versions".
 */
function isBefore(left: string, right: string): boolean {
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return false;
  return BigInt(left) < BigInt(right);
}
