// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { JsonObject } from '../../policy/json.ts';
import type { DeviceEntry, DeviceRecord } from './device-record.ts';

/**
 * The version of the ledger format that this program writes.
 *
 * Within a version, the format only gains optional keys. A program that does not know a key keeps its value, even when
 * it changes the record. If a value that is kept could then be wrong, the key needs a new version. For this reason,
 * version 2 added `pod`, version 3 added `podUID`, `listed` and `restriction`, and version 4 added `claim`. If a
 * program kept their old values when it gave the device to another pod, these values would be wrong.
 *
 * A downgrade is safe, because an older program handles a file of a newer version as follows:
 * - It uses the records that it can read.
 * - If it does not change a record, it writes the record back unchanged.
 * - If it changes a record, it drops the record's unknown keys.
 * - It keeps the file's version.
 *
 * A newer program reads the records of all earlier versions. Changes that are appended to the file have the file's
 * version.
 */
export const formatVersion = 4;

/** The content of a ledger, including everything in the file that this program cannot read. */
export interface LedgerContent {
  /** The highest format version of all programs that wrote the file. */
  readonly version: number;
  readonly node: string;
  readonly devices: ReadonlyMap<string, LedgerRecord>;
  /** The records of a newer version that this program cannot read. They are kept unchanged. */
  readonly unread: ReadonlyMap<string, unknown>;
  readonly unknown: JsonObject;
}

/** The content of a ledger that can be changed in place. */
export interface MutableLedgerContent extends LedgerContent {
  readonly devices: Map<string, LedgerRecord>;
  readonly unread: Map<string, unknown>;
}

/** A record, and the keys of the record and of its attachment that this program does not know. */
export interface LedgerRecord {
  readonly record: DeviceRecord;
  readonly unknown: JsonObject;
  readonly unknownOfAttachment: JsonObject;
}

export function emptyLedger(node: string): LedgerContent {
  return { version: formatVersion, node, devices: new Map(), unread: new Map(), unknown: {} };
}

export function copyLedger(content: LedgerContent): MutableLedgerContent {
  return { ...content, devices: new Map(content.devices), unread: new Map(content.unread) };
}

/** Returns the highest `lastUsed` of all devices, or 0 if there are none. */
export function highestUse({ devices }: LedgerContent): number {
  return devices.values().reduce((highest, { record }) => Math.max(highest, record.lastUsed), 0);
}

/** A change of one device: a new entry, or the removal of the device if `entry` is undefined. */
export type LedgerChange =
  | { readonly deviceID: string; readonly entry: DeviceEntry }
  | { readonly deviceID: string; readonly entry: undefined };

/** The changed devices in the order of their use. An undefined record means that the device is removed. */
export type LedgerDelta = ReadonlyMap<string, LedgerRecord | undefined>;

/**
 * Combines changes into a delta, in the given order. `lastUsed` is the highest value of that field in the ledger. The
 * cost depends on the number of changes, not on the number of devices.
 */
export function decideDelta(content: LedgerContent, changes: readonly LedgerChange[], lastUsed: number): LedgerDelta {
  const delta = new Map<string, LedgerRecord | undefined>();
  let use = lastUsed;
  for (const { deviceID, entry } of changes) {
    const before = delta.has(deviceID) ? delta.get(deviceID) : content.devices.get(deviceID);
    delta.delete(deviceID);
    if (entry === undefined) {
      delta.set(deviceID, undefined);
      continue;
    }
    use += 1;
    delta.set(deviceID, { record: { ...entry, lastUsed: use }, ...unknownKeysOf(content.version, before, entry) });
  }
  return delta;
}

/** Applies a delta in place. */
export function applyDelta({ devices, unread }: MutableLedgerContent, delta: LedgerDelta): void {
  for (const [deviceID, kept] of delta) {
    unread.delete(deviceID);
    // Moves the device to the end, because it is the most recently used one.
    devices.delete(deviceID);
    if (kept !== undefined) devices.set(deviceID, kept);
  }
}

/** Returns a copy of the ledger with the delta applied. */
export function changedLedger(content: LedgerContent, delta: LedgerDelta): LedgerContent {
  const next = copyLedger(content);
  applyDelta(next, delta);
  return next;
}

/**
 * Returns the unknown keys that a changed record keeps. In a file of a newer version, the record keeps none (see
 * `formatVersion`). The unknown keys of the attachment are kept only if the attachment is still the same.
 */
function unknownKeysOf(
  version: number,
  before: LedgerRecord | undefined,
  entry: DeviceEntry,
): Omit<LedgerRecord, 'record'> {
  const nothing: JsonObject = {};
  if (before === undefined || version > formatVersion) return { unknown: nothing, unknownOfAttachment: nothing };
  const [was, is] = [before.record.attachment, entry.attachment];
  const isSame = was?.containerID === is?.containerID && was?.ifname === is?.ifname;
  return { unknown: before.unknown, unknownOfAttachment: isSame ? before.unknownOfAttachment : nothing };
}

/**
 * Returns whether a delta changes more than the order of use. If a delta changes only the order, it is not written
 * immediately, but together with the next delta.
 */
export function changesRecords(before: LedgerContent, delta: LedgerDelta): boolean {
  return delta
    .entries()
    .some(
      ([id, kept]) => before.unread.has(id) || !isDeepStrictEqual(withoutUse(before.devices.get(id)), withoutUse(kept)),
    );
}

function withoutUse(kept: LedgerRecord | undefined): LedgerRecord | undefined {
  return kept && { ...kept, record: { ...kept.record, lastUsed: 0 } };
}

/**
 * Returns the ledger with this node's name, or the same object if it already has that name. If the names differ, the
 * node was renamed, or the file is a copy. The records keep the old name, because the indexes of their links are hashes
 * of the old name.
 */
export function adoptLedger(content: LedgerContent, node: string): LedgerContent {
  if (content.node === node) return content;
  const devices = new Map(
    [...content.devices].map(([id, kept]) => {
      const record = { ...kept.record, nodeName: kept.record.nodeName ?? content.node };
      return [id, { ...kept, record }] as const;
    }),
  );
  return { ...content, node, devices };
}
