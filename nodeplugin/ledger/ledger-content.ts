// SPDX-License-Identifier: Apache-2.0
import type { DeviceRecord } from './device-record.ts';

/**
 * The version of the format that this program writes. Within a version the format only ever gains optional keys, which
 * a program that does not know them keeps beside a device for as long as the device has a record. A key that would
 * mislead when an older program changes the record beside it needs a new version.
 *
 * Going back to an older program is safe for that: in a file of a newer version it uses the records that it
 * understands, writes those that it does not touch back as they were found, drops what it does not understand only from
 * a record that it changes, and leaves the file's version as it is. In return a program reads the records of every
 * earlier version in a file of its own. The lines of changes that follow a file's text have its version.
 *
 * 2 brought `pod`, which a program of version 1 would keep when it gives the device to another pod.
 */
export const formatVersion = 2;

export type JSONObject = Readonly<Record<string, unknown>>;

/** A ledger, with everything in the file that this program does not understand. */
export interface LedgerContent {
  /** The highest version of a program that wrote the file. */
  readonly version: number;
  readonly node: string;
  readonly devices: ReadonlyMap<string, KeptRecord>;
  /** Records of a newer version that this one cannot read, as they were found. */
  readonly unread: ReadonlyMap<string, unknown>;
  readonly unknown: JSONObject;
}

/** A ledger that changes in place. */
export interface MutableLedgerContent extends LedgerContent {
  readonly devices: Map<string, KeptRecord>;
  readonly unread: Map<string, unknown>;
}

/** A record with the keys beside it, and beside its attachment's, that this program does not know. */
export interface KeptRecord {
  readonly record: DeviceRecord;
  readonly unknown: JSONObject;
  readonly unknownOfAttachment: JSONObject;
}

export function emptyLedger(node: string): LedgerContent {
  return { version: formatVersion, node, devices: new Map(), unread: new Map(), unknown: {} };
}

export function copyLedger(content: LedgerContent): MutableLedgerContent {
  return { ...content, devices: new Map(content.devices), unread: new Map(content.unread) };
}

/** The highest use of a device so far; 0 without any. */
export function highestUse({ devices }: LedgerContent): number {
  return devices.values().reduce((highest, { record }) => Math.max(highest, record.lastUsed), 0);
}
