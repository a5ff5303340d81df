// SPDX-License-Identifier: Apache-2.0
import type { KnownKeys } from './known-keys.ts';
import { describeFault, findPlace } from './read-config.ts';
import { type AmbiguousKey, type KnownValue, scanConfig } from './scan-config.ts';

/** The objects in a JSON list, with the values that Go's encoding/json would assign to the fields of a struct. */
export interface GoItems {
  /**
   * The values of each known key, for each object by its index in the list. Values are in the order in which Go assigns
   * them to the field. null is omitted, because Go ignores it. A value that is an object or a list appears empty.
   *
   * @example `[{"name":"a","NAME":"b","name":null}]` gives Map { 0 => Map { 'name' => ['a', 'b'] } }
   */
  readonly items: ReadonlyMap<number, ReadonlyMap<string, readonly unknown[]>>;
  readonly ambiguous: readonly AmbiguousKey[];
  /** Why Go cannot read the text: `line 1, column 3: …`. */
  readonly fault?: string;
}

/** Reads the first `most` objects of a JSON list. In `known`, the keys of the objects have the place `[]`. */
export function readItemsAsGo(text: string, known: KnownKeys, most = Number.POSITIVE_INFINITY): GoItems {
  const items = new Map<number, Map<string, unknown[]>>();
  const onValue = ({ place, index = 0, exact, token: { kind, value } }: KnownValue) => {
    if (place !== '[]' || index >= most || (kind === '0' && value === 'null')) return;
    const fields = items.getOrInsertComputed(index, () => new Map());
    const read = kind === '"' ? value : kind === '0' ? JSON.parse(value) : kind === '[' ? [] : {};
    fields.getOrInsertComputed(exact, () => []).push(read);
  };
  const scan = scanConfig(text, { known, onValue, anyNumber: true });
  return 'fault' in scan
    ? {
        items: new Map(),
        ambiguous: [],
        fault: describeFault({ ...findPlace(text, scan.fault.offset), text: scan.fault.text }),
      }
    : { items, ambiguous: scan.layout.ambiguous };
}
