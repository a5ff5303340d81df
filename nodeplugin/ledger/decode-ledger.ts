// SPDX-License-Identifier: Apache-2.0
import type { Attachment, DeviceRecord } from './device-record.ts';
import { emptyLedger, formatVersion, type JSONObject, type KeptRecord, type LedgerContent } from './ledger-content.ts';
import { attachmentFields, deviceFields, type Fields } from './record-fields.ts';
import { splitLedger } from './split-ledger.ts';

/** What cannot be read, and where. @example { path: 'devices.dataplaneMvp3.mode', detail: 'is 7, not a macvtap mode' } */
export interface LedgerFault {
  readonly path: string;
  readonly detail: string;
}

export interface DecodedLedger {
  readonly content: LedgerContent;
  /** All of them. What they concern is not in the content, and is lost with the next write of the file. */
  readonly faults: readonly LedgerFault[];
}

/**
 * Reads the bytes of a ledger: every record that can be read, whatever is wrong with the others. A record with anything
 * wrong is left out as a whole. In a file of a newer version that is no fault: the record is kept as it is.
 * `node` is whose ledger it is where the file does not say. A last line that is not complete is no fault either: its
 * writer was killed, and told nobody that it was there.
 */
export function decodeLedger(bytes: Uint8Array, node: string): DecodedLedger {
  const { whole, changes } = splitLedger(bytes);
  const parsed = parse(whole);
  if (!('value' in parsed)) return { content: emptyLedger(node), faults: [{ path: '', detail: parsed.fault }] };
  const { value: file } = parsed;
  const faults: LedgerFault[] = [];
  const version = isVersion(file.version) ? file.version : formatVersion;
  if (!isVersion(file.version)) faults.push(wrong('version', file.version, 'a version'));
  if (!isText(file.node)) faults.push(wrong('node', file.node, 'a node name'));
  if (!isObject(file.devices)) faults.push(wrong('devices', file.devices, 'an object'));
  const devices = new Map<string, KeptRecord>();
  const unread = new Map<string, unknown>();
  const take = (id: string, value: unknown) => {
    const decoded = decodeRecord(value, `devices.${id}`);
    if ('record' in decoded) devices.set(id, decoded);
    else if (version > formatVersion) unread.set(id, value);
    else faults.push(...decoded.faults);
  };
  for (const [id, value] of Object.entries(isObject(file.devices) ? file.devices : {})) take(id, value);
  for (const [index, line] of changes.entries()) {
    const change = parse(line);
    const changed = 'value' in change ? change.value.devices : undefined;
    if (!isObject(changed)) {
      const detail = 'value' in change ? wrong('', changed, 'an object').detail : change.fault;
      faults.push({ path: `change ${index + 1}`, detail });
      continue;
    }
    for (const [id, value] of Object.entries(changed)) {
      // A record that changes becomes the one used last.
      devices.delete(id);
      unread.delete(id);
      if (value !== null) take(id, value);
    }
  }
  const unknown = without(file, ['version', 'node', 'devices']);
  return { content: { version, node: isText(file.node) ? file.node : node, devices, unread, unknown }, faults };
}

function parse(bytes: Uint8Array): { readonly value: JSONObject } | { readonly fault: string } {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isObject(value) ? { value } : { fault: wrong('', value, 'an object').detail };
  } catch (thrown) {
    return { fault: bytes.length === 0 ? 'is empty' : `is no JSON: ${(thrown as Error).message}` };
  }
}

function decodeRecord(value: unknown, path: string): KeptRecord | { readonly faults: readonly LedgerFault[] } {
  if (!isObject(value)) return { faults: [wrong(path, value, 'an object')] };
  const { attachment } = value;
  const faults = checkFields(value, deviceFields, path);
  if (isObject(attachment)) faults.push(...checkFields(attachment, attachmentFields, `${path}.attachment`));
  else if (attachment !== undefined) faults.push(wrong(`${path}.attachment`, attachment, 'an object'));
  if (faults.length > 0) return { faults };
  const known = only(value, Object.keys(deviceFields));
  if (!isObject(attachment)) return keep(known, without(value, Object.keys(deviceFields)), {});
  const keys = Object.keys(attachmentFields);
  return keep(
    { ...known, attachment: only(attachment, keys) as unknown as Attachment },
    without(value, [...Object.keys(deviceFields), 'attachment']),
    without(attachment, keys),
  );
}

/** The fields were checked. */
function keep(known: JSONObject, unknown: JSONObject, unknownOfAttachment: JSONObject): KeptRecord {
  return { record: known as unknown as DeviceRecord, unknown, unknownOfAttachment };
}

function checkFields(object: JSONObject, fields: Fields, path: string): LedgerFault[] {
  return Object.entries(fields).flatMap(([key, { expected, holds, optional }]) => {
    // Own keys only: a record has no `constructor` unless the file says so.
    const value = Object.hasOwn(object, key) ? object[key] : undefined;
    return holds(value) || (optional && value === undefined) ? [] : [wrong(`${path}.${key}`, value, expected)];
  });
}

function wrong(path: string, value: unknown, expected: string): LedgerFault {
  if (value === undefined) return { path, detail: `is missing, and must be ${expected}` };
  // A value can be as long as the file.
  const text = JSON.stringify(value);
  return { path, detail: `is ${text.length > 40 ? `${text.slice(0, 40)}…` : text}, not ${expected}` };
}

function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function only(object: JSONObject, keys: readonly string[]): JSONObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => keys.includes(key)));
}

function without(object: JSONObject, keys: readonly string[]): JSONObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
