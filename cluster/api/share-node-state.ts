// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import type { ApiObject } from './api-resource.ts';

/**
 * Replaces equal values with one shared value, so that values that thousands of nodes have in common are in memory only
 * once.
 */
export interface Sharer {
  /** Returns the first value with the same JSON, including the order of keys. */
  value<Value>(value: Value): Value;
  /** Returns the first list with equal items. Equal items of different lists are also shared. */
  list<Item>(items: readonly Item[]): readonly Item[];
}

/**
 * A sharer remembers this many list items for each value or list that its limit allows. The total length of the lists
 * must be limited. Otherwise, a node that reports its items in a different order each time would fill the memory.
 */
const itemsForEach = 50;

/** The same for the characters of the values' JSON, because a node decides how long its values are. */
const charactersForEach = 500;

/**
 * Creates a sharer that remembers at most `limit` values and lists, 50 times as many items of lists, and 500 times as
 * many characters. When a limit is reached, it forgets everything, so that unused values do not stay in memory. Values
 * that are already shared stay shared.
 */
export function createSharer(limit: number): Sharer {
  const values = new Map<string, { readonly value: unknown; readonly number: number }>();
  const lists = new Map<string, readonly unknown[]>();
  let listed = 0;
  let characters = 0;
  const remember = <Value>(value: Value): { readonly value: Value; readonly number: number } => {
    const key = JSON.stringify(value);
    const known = values.getOrInsertComputed(key, () => {
      characters += key.length;
      return { value, number: values.size };
    });
    return known as { readonly value: Value; readonly number: number };
  };
  const forgetIfFull = (): void => {
    const isShort = listed < limit * itemsForEach && characters < limit * charactersForEach;
    if (values.size + lists.size < limit && isShort) return;
    values.clear();
    lists.clear();
    listed = 0;
    characters = 0;
  };
  return {
    value(value) {
      forgetIfFull();
      return remember(value).value;
    },
    list<Item>(items: readonly Item[]) {
      forgetIfFull();
      const known = items.map(remember);
      const key = known.map(({ number }) => number).join();
      return lists.getOrInsertComputed(key, () => {
        listed += 1 + items.length;
        return known.map(({ value }) => value);
      }) as readonly Item[];
    },
  };
}

/**
 * Returns a node state that shares its values with earlier states. Similar nodes under the same policies report the
 * same resources and skipped interfaces. Interfaces are packed: see packInterfaces. The state was not validated, so
 * every field may have any value.
 */
export function shareNodeState(object: ApiObject, sharer: Sharer): ApiObject {
  const { status } = object;
  if (!isJsonObject(status)) return object;
  const shared: object = {};
  for (const [field, value] of Object.entries(status)) {
    const packed = field === 'interfaces' ? packInterfaces(value, sharer) : undefined;
    if (packed === undefined) Object.defineProperty(shared, field, { ...plainField, value: shareValue(value, sharer) });
    else defineInterfaces(shared, packed);
  }
  return { ...object, status: shared };
}

const plainField = { enumerable: true, configurable: true, writable: true } as const;

function shareValue(value: unknown, sharer: Sharer): unknown {
  return Array.isArray(value) ? sharer.list(value) : sharer.value(value);
}

/** The interfaces of a node in a form that takes a tenth of the memory of the parsed JSON. */
interface PackedInterfaces {
  /** The interfaces without their own fields. Nodes with the same hardware share one list. */
  readonly common: readonly object[];
  /** The values of `ownFields` of all interfaces, as JSON. */
  readonly own: string;
}

/**
 * Fields whose values usually differ between nodes with the same hardware. The order is that of the values in
 * `PackedInterfaces.own`.
 */
const ownFields = ['ifindex', 'macAddress', 'permanentMACAddress', 'addresses', 'lowerIfindex'] as const;

/** The place of an absent field. No interface with this value in a field is packed. */
const absent = null;

/** The place of a `permanentMACAddress` that equals `macAddress`, as most do. No such value is packed. */
const sameAddress = true;

/**
 * Packs the interfaces of a node. They are most of the memory of a cluster's states: each has two addresses and an
 * index that no other node has. Returns undefined for a value that is not a list of interfaces.
 */
function packInterfaces(interfaces: unknown, sharer: Sharer): PackedInterfaces | undefined {
  if (!Array.isArray(interfaces) || interfaces.length === 0) return undefined;
  const isPackable = (nic: unknown): nic is Record<string, unknown> =>
    isJsonObject(nic) && ownFields.every((field) => nic[field] !== absent && nic[field] !== sameAddress);
  if (!interfaces.every(isPackable)) return undefined;
  const common = interfaces.map((nic) =>
    Object.fromEntries(Object.entries(nic).filter(([field]) => !(ownFields as readonly string[]).includes(field))),
  );
  const ownValue = (nic: Record<string, unknown>, field: (typeof ownFields)[number]) =>
    field === 'permanentMACAddress' && nic[field] !== undefined && nic[field] === nic.macAddress
      ? sameAddress
      : (nic[field] ?? absent);
  const own = interfaces.flatMap((nic) => ownFields.map((field) => ownValue(nic, field)));
  return { common: sharer.list(common), own: JSON.stringify(own) };
}

function unpackInterfaces({ common, own }: PackedInterfaces): readonly object[] {
  const values = JSON.parse(own) as readonly unknown[];
  return common.map((fields, index) => {
    const nic: Record<string, unknown> = { ...fields };
    for (const [place, field] of ownFields.entries()) {
      const value = values[index * ownFields.length + place];
      if (value !== absent) nic[field] = value === sameAddress ? nic.macAddress : value;
    }
    return nic;
  });
}

const packedKey = Symbol('packed interfaces');

/** The status that was read last. One reading of a node usually gets its interfaces several times. */
let lastRead: { readonly packed: PackedInterfaces; readonly interfaces: readonly object[] } | undefined;

/** Defines the field `interfaces` of a status, whose value is unpacked when it is read. */
function defineInterfaces(status: object, packed: PackedInterfaces): void {
  Object.defineProperty(status, packedKey, { value: packed });
  Object.defineProperty(status, 'interfaces', interfacesField);
}

// All statuses share this descriptor. With a getter for each status, V8 would keep a separate layout for each.
const interfacesField: PropertyDescriptor & ThisType<{ readonly [packedKey]: PackedInterfaces }> = {
  enumerable: true,
  configurable: true,
  get() {
    const packed = this[packedKey];
    if (lastRead?.packed !== packed) lastRead = { packed, interfaces: unpackInterfaces(packed) };
    return lastRead.interfaces;
  },
};
