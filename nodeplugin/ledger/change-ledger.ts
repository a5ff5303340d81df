// SPDX-License-Identifier: Apache-2.0
import type { DeviceEntry } from './device-record.ts';
import { formatVersion, type JSONObject, type KeptRecord, type LedgerContent } from './ledger-content.ts';

/** A device gets an entry, or loses the one it has. */
export type LedgerChange =
  | { readonly deviceID: string; readonly entry: DeviceEntry }
  | { readonly deviceID: string; readonly entry: undefined };

/** The ledger after the changes, in their order; the very same object where nothing is different. */
export function changeLedger(content: LedgerContent, changes: readonly LedgerChange[]): LedgerContent {
  const devices = new Map(content.devices);
  const unread = new Map(content.unread);
  let lastUsed = devices.values().reduce((highest, { record }) => Math.max(highest, record.lastUsed), 0);
  let isChanged = false;
  for (const { deviceID, entry } of changes) {
    const before = devices.get(deviceID);
    const [wasRead, wasUnread] = [devices.delete(deviceID), unread.delete(deviceID)];
    isChanged ||= wasRead || wasUnread || entry !== undefined;
    if (entry === undefined) continue;
    lastUsed += 1;
    devices.set(deviceID, { record: { ...entry, lastUsed }, ...keptUnknown(content.version, before, entry) });
  }
  return isChanged ? { ...content, devices, unread } : content;
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
