// SPDX-License-Identifier: Apache-2.0

/** An object of the stand-in. */
export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
    readonly uid: string;
    readonly generation: number;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface StoredEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: StoredObject;
  readonly version: number;
}

/** An object as a user writes it. */
export interface WrittenObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    /** The UID. By default, the store chooses one, as a real API server always does. */
    readonly uid?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** The stand-in's etcd: objects with versions, and the history that serves watches. */
export interface ObjectStore {
  readonly version: number;
  readonly objects: ReadonlyMap<string, StoredObject>;
  /** Returns the events after a version, or undefined if they were compacted. */
  since(version: number): readonly StoredEvent[] | undefined;
  get(key: string): StoredObject | undefined;
  put(object: WrittenObject): StoredObject;
  remove(key: string): StoredObject | undefined;
  /** Forgets the history. */
  compact(): void;
  onEvent(listener: (event: StoredEvent) => void): Disposable;
}

/** Returns the key of an object, such as `Node/h1` or `MacvtapNetworkNodePolicy/macvtap-cni/p`. */
export function storeKey({ kind, metadata: { namespace, name } }: WrittenObject): string {
  return [kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');
}

export function createObjectStore(): ObjectStore {
  const objects = new Map<string, StoredObject>();
  const listeners = new Set<(event: StoredEvent) => void>();
  let history: StoredEvent[] = [];
  let version = 100;
  let oldest = version;
  let uids = 0;
  const record = (type: StoredEvent['type'], object: StoredObject) => {
    const event = { type, object, version };
    history.push(event);
    for (const listener of [...listeners]) listener(event);
  };
  return {
    get version() {
      return version;
    },
    objects,
    since: (from) => (from < oldest ? undefined : history.filter((event) => event.version > from)),
    get: (key) => objects.get(key),
    put(written) {
      const before = objects.get(storeKey(written));
      version += 1;
      if (before === undefined) uids += 1;
      const isSameSpec = JSON.stringify(before?.spec) === JSON.stringify(written.spec);
      const object: StoredObject = {
        ...written,
        metadata: {
          creationTimestamp: '2026-01-01T00:00:00Z',
          ...written.metadata,
          resourceVersion: String(version),
          uid: before?.metadata.uid ?? written.metadata.uid ?? `uid-${uids}`,
          generation: before === undefined ? 1 : before.metadata.generation + (isSameSpec ? 0 : 1),
        },
      };
      objects.set(storeKey(written), object);
      record(before === undefined ? 'ADDED' : 'MODIFIED', object);
      return object;
    },
    remove(key) {
      const before = objects.get(key);
      if (before === undefined) return undefined;
      objects.delete(key);
      version += 1;
      record('DELETED', { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } });
      return before;
    },
    compact() {
      // Afterwards, no watch can start from a version before this call, even if no object has changed since that
      // version.
      version += 1;
      oldest = version;
      history = [];
    },
    onEvent(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}
