// SPDX-License-Identifier: Apache-2.0
import type { KnownObject, ObjectFault } from '../objects/known-object.ts';
import { readObject } from '../objects/read-object.ts';
import type { SourceFault } from '../source.ts';
import type { ApiObject } from './api-object.ts';

/** An object as it was last read. */
interface ReadEntry {
  readonly object: ApiObject;
  readonly known: KnownObject | undefined;
  readonly faults: readonly SourceFault[];
  /** Whether `known` is that of a version without faults. */
  readonly whole: boolean;
}

/** What the objects of a kind mean. */
export interface ObjectReader {
  /** In the order of the names. What did not change since the last time is the same as then. */
  read(objects: ReadonlyMap<string, ApiObject>): {
    readonly known: readonly KnownObject[];
    readonly faults: readonly SourceFault[];
  };
}

/**
 * Reads objects once each. A policy that changed into a faulty one counts as it is: it exposes nothing and keeps its nodes.
 * An API server hands out no half-written objects, and who reads it later never saw a version before, so that to keep one
 * would make replicas and nodes disagree by when they started. Any other object keeps its last good version in force; only
 * when it never had one does the faulty one count, as far as it means anything.
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
  const keepsGood = read?.known?.kind !== 'MacvtapNetworkNodePolicy';
  if (faults.length > 0 && earlier?.whole && keepsGood) return { object, known: earlier.known, faults, whole: true };
  return { object, known: read?.known, faults, whole: faults.length === 0 };
}

function toSourceFault(id: string, { message }: ObjectFault): SourceFault {
  return { where: id, message };
}
