// SPDX-License-Identifier: Apache-2.0
import type { KnownObject, ObjectFault } from '../objects/known-object.ts';
import { readObject } from '../objects/read-object.ts';
import type { SourceFault } from '../source.ts';
import type { ApiObject } from './api-resource.ts';

/** An object, and the result of reading it. */
interface ReadEntry {
  readonly object: ApiObject;
  readonly known: KnownObject | undefined;
  readonly faults: readonly SourceFault[];
  /** Whether `known` comes from a version of the object without errors. */
  readonly isValid: boolean;
}

/** Reads the objects of one kind. */
export interface ObjectReader {
  /** Returns the objects sorted by name. The result shares unchanged objects with the previous result. */
  read(objects: ReadonlyMap<string, ApiObject>): {
    readonly known: readonly KnownObject[];
    readonly faults: readonly SourceFault[];
  };
}

/**
 * Creates a reader that reads each version of an object only once.
 *
 * - An invalid policy takes effect: it exposes nothing, but still applies to its nodes. Its last valid version must not
 *   stay in force, because replicas and node plugins that start later do not know that version.
 * - An invalid node state is left out.
 * - For any other invalid object, the last valid version stays in force. Without a valid version, the valid parts of
 *   the object are used.
 */
export function createObjectReader(policyNamespace: string): ObjectReader {
  /** Sorted by key. */
  let entries = new Map<string, ReadEntry>();
  return {
    read(objects) {
      if (!haveSameKeys(objects, entries)) entries = sortEntries(objects, entries);
      for (const [key, object] of objects) {
        const earlier = entries.get(key);
        if (earlier?.object !== object) entries.set(key, readOne(object, earlier, policyNamespace));
      }
      const known: KnownObject[] = [];
      const faults: SourceFault[] = [];
      for (const entry of entries.values()) {
        if (entry.known !== undefined) known.push(entry.known);
        for (const fault of entry.faults) faults.push(fault);
      }
      return { known, faults };
    },
  };
}

function haveSameKeys(left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): boolean {
  if (left.size !== right.size) return false;
  for (const key of left.keys()) if (!right.has(key)) return false;
  return true;
}

/**
 * Returns an entry for each object, sorted by key. Sorting thousands of keys takes milliseconds, so it happens only
 * after an object was created or deleted.
 */
function sortEntries(
  objects: ReadonlyMap<string, ApiObject>,
  entries: ReadonlyMap<string, ReadEntry>,
): Map<string, ReadEntry> {
  return new Map([...objects.keys()].sort().map((key) => [key, entries.get(key) ?? unread] as const));
}

/** The entry of an object before it is read. */
const unread: ReadEntry = { object: { metadata: { name: '' } }, known: undefined, faults: [], isValid: false };

function readOne(object: ApiObject, earlier: ReadEntry | undefined, policyNamespace: string): ReadEntry {
  const read = readObject(object, policyNamespace);
  const faults = (read?.faults ?? []).map((fault) => toSourceFault(read?.id ?? '', fault));
  const keepsLastValid =
    read?.known?.kind !== 'MacvtapNetworkNodePolicy' && read?.known?.kind !== 'MacvtapNetworkNodeState';
  if (faults.length > 0 && earlier?.isValid && keepsLastValid) {
    return { object, known: earlier.known, faults, isValid: true };
  }
  return { object, known: read?.known, faults, isValid: faults.length === 0 };
}

function toSourceFault(id: string, { message, explicit }: ObjectFault): SourceFault {
  return { where: id, message, ...(explicit !== undefined && { explicit }) };
}
