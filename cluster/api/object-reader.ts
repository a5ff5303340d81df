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
  let entries = new Map<string, ReadEntry>();
  return {
    read(objects) {
      const next = [...objects]
        .sort(([left], [right]) => (left < right ? -1 : 1))
        .map(([key, object]) => [key, readOne(object, entries.get(key), policyNamespace)] as const);
      entries = new Map(next);
      const all = [...entries.values()];
      return {
        known: all.flatMap(({ known }) => (known === undefined ? [] : [known])),
        faults: all.flatMap(({ faults }) => faults),
      };
    },
  };
}

function readOne(object: ApiObject, earlier: ReadEntry | undefined, policyNamespace: string): ReadEntry {
  if (earlier?.object === object) return earlier;
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
