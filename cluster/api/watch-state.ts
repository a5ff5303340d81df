// SPDX-License-Identifier: Apache-2.0
import { isSameSpec } from '../../policy/nodepolicy/is-same-spec.ts';
import { type ApiObject, keyOf } from './api-object.ts';

/** The objects of one kind as they are known. */
export interface WatchState {
  /** By `namespace/name`; one that is set to an equal one stays the same object. */
  readonly objects: ReadonlyMap<string, ApiObject>;
  /** Each returns whether anything changed. */
  set(object: ApiObject): boolean;
  delete(object: ApiObject): boolean;
  /** A new list: what it lacks was deleted while nobody told. */
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

/** As values, and without recursion: a label's value may be nested as deep as an API server takes it. */
function isSame(left: unknown, right: unknown): boolean {
  return isSameSpec({ spec: left }, { spec: right });
}
