// SPDX-License-Identifier: Apache-2.0
import type { DeviceEntry } from './device-record.ts';
import {
  copyLedger,
  formatVersion,
  type JSONObject,
  type KeptRecord,
  type LedgerContent,
  type MutableLedgerContent,
} from './ledger-content.ts';

/** A device gets an entry, or loses the one it has. */
export type LedgerChange =
  | { readonly deviceID: string; readonly entry: DeviceEntry }
  | { readonly deviceID: string; readonly entry: undefined };

/** What becomes of devices, in the order of their use: what is kept of each, or nothing any more. */
export type LedgerDelta = ReadonlyMap<string, KeptRecord | undefined>;

/**
 * What changes come to, in their order. `lastUsed` is the highest of the ledger. It costs as much as there are changes,
 * however many devices the ledger has.
 */
export function decideDelta(content: LedgerContent, changes: readonly LedgerChange[], lastUsed: number): LedgerDelta {
  const delta = new Map<string, KeptRecord | undefined>();
  let use = lastUsed;
  for (const { deviceID, entry } of changes) {
    const before = delta.has(deviceID) ? delta.get(deviceID) : content.devices.get(deviceID);
    delta.delete(deviceID);
    if (entry === undefined) {
      delta.set(deviceID, undefined);
      continue;
    }
    use += 1;
    delta.set(deviceID, { record: { ...entry, lastUsed: use }, ...keptUnknown(content.version, before, entry) });
  }
  return delta;
}

/** Makes a ledger what it is after the delta. */
export function applyDelta({ devices, unread }: MutableLedgerContent, delta: LedgerDelta): void {
  for (const [deviceID, kept] of delta) {
    unread.delete(deviceID);
    // To the end, as the one used last.
    devices.delete(deviceID);
    if (kept !== undefined) devices.set(deviceID, kept);
  }
}

/** The ledger after the delta, beside the one before it. */
export function changedLedger(content: LedgerContent, delta: LedgerDelta): LedgerContent {
  const next = copyLedger(content);
  applyDelta(next, delta);
  return next;
}

/**
 * Which unknown keys stay in a record that changes: those of this version (see `formatVersion`), and in an
 * attachment those of the same one.
 */
function keptUnknown(version: number, before: KeptRecord | undefined, entry: DeviceEntry): Omit<KeptRecord, 'record'> {
  const nothing: JSONObject = {};
  if (before === undefined || version > formatVersion) return { unknown: nothing, unknownOfAttachment: nothing };
  const [was, is] = [before.record.attachment, entry.attachment];
  const isSame = was?.containerID === is?.containerID && was?.ifname === is?.ifname;
  return { unknown: before.unknown, unknownOfAttachment: isSame ? before.unknownOfAttachment : nothing };
}
