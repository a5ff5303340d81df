// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject } from '../../policy/json.ts';
import { type Attachment, attachmentFields, type DeviceRecord, deviceFields, type Fields } from './device-record.ts';
import {
  emptyLedger,
  formatVersion,
  type LedgerContent,
  type LedgerDelta,
  type LedgerRecord,
} from './ledger-content.ts';

/** An invalid part of the file. @example { path: 'devices.dataplaneMvp3.mode', detail: 'is 7, not a macvtap mode' } */
export interface LedgerFault {
  readonly path: string;
  readonly detail: string;
}

export interface DecodedLedger {
  readonly content: LedgerContent;
  /** All invalid parts. They are not in the content, so the next write of the file removes them. */
  readonly faults: readonly LedgerFault[];
}

/**
 * Decodes a ledger. All valid records are read. An invalid record is left out and reported. In a file of a newer
 * version, such a record is not an error, and is kept unchanged. If the file names no node, `node` is used. An
 * incomplete last line is not an error, because its change was never reported as successful.
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
  if (!isJsonObject(file.devices)) faults.push(wrong('devices', file.devices, 'an object'));
  const devices = new Map<string, LedgerRecord>();
  const unread = new Map<string, unknown>();
  const take = (id: string, value: unknown) => {
    const decoded = decodeRecord(value, `devices.${id}`);
    if ('record' in decoded) devices.set(id, decoded);
    else if (version > formatVersion) unread.set(id, value);
    else faults.push(...decoded.faults);
  };
  for (const [id, value] of Object.entries(isJsonObject(file.devices) ? file.devices : {})) take(id, value);
  for (const [index, line] of changes.entries()) {
    const change = parse(line);
    const changed = 'value' in change ? change.value.devices : undefined;
    if (!isJsonObject(changed)) {
      const detail = 'value' in change ? wrong('', changed, 'an object').detail : change.fault;
      faults.push({ path: `change ${index + 1}`, detail });
      continue;
    }
    for (const [id, value] of Object.entries(changed)) {
      // A changed record becomes the most recently used one.
      devices.delete(id);
      unread.delete(id);
      if (value !== null) take(id, value);
    }
  }
  const unknown = without(file, ['version', 'node', 'devices']);
  return { content: { version, node: isText(file.node) ? file.node : node, devices, unread, unknown }, faults };
}

function parse(bytes: Uint8Array): { readonly value: JsonObject } | { readonly fault: string } {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return isJsonObject(value) ? { value } : { fault: wrong('', value, 'an object').detail };
  } catch (thrown) {
    return { fault: bytes.length === 0 ? 'is empty' : `is not JSON: ${(thrown as Error).message}` };
  }
}

function decodeRecord(value: unknown, path: string): LedgerRecord | { readonly faults: readonly LedgerFault[] } {
  if (!isJsonObject(value)) return { faults: [wrong(path, value, 'an object')] };
  const { attachment } = value;
  const faults = checkFields(value, deviceFields, path);
  if (isJsonObject(attachment)) faults.push(...checkFields(attachment, attachmentFields, `${path}.attachment`));
  else if (attachment !== undefined) faults.push(wrong(`${path}.attachment`, attachment, 'an object'));
  if (faults.length > 0) return { faults };
  const known = only(value, Object.keys(deviceFields));
  if (!isJsonObject(attachment)) return keep(known, without(value, Object.keys(deviceFields)), {});
  const keys = Object.keys(attachmentFields);
  return keep(
    { ...known, attachment: only(attachment, keys) as unknown as Attachment },
    without(value, [...Object.keys(deviceFields), 'attachment']),
    without(attachment, keys),
  );
}

/** Creates a record from fields that were already checked. */
function keep(known: JsonObject, unknown: JsonObject, unknownOfAttachment: JsonObject): LedgerRecord {
  return { record: known as unknown as DeviceRecord, unknown, unknownOfAttachment };
}

function checkFields(object: JsonObject, fields: Fields, path: string): LedgerFault[] {
  return Object.entries(fields).flatMap(([key, { expected, holds, optional }]) => {
    // Only own keys count, because every object inherits keys such as `constructor`.
    const value = Object.hasOwn(object, key) ? object[key] : undefined;
    return holds(value) || (optional && value === undefined) ? [] : [wrong(`${path}.${key}`, value, expected)];
  });
}

function wrong(path: string, value: unknown, expected: string): LedgerFault {
  if (value === undefined) return { path, detail: `is missing, and must be ${expected}` };
  // The value is shortened, because it can be as long as the file.
  const text = JSON.stringify(value);
  return { path, detail: `is ${text.length > 40 ? `${text.slice(0, 40)}…` : text}, not ${expected}` };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function only(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => keys.includes(key)));
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

interface SplitLedger {
  /** The text of the whole ledger, one JSON object. */
  readonly whole: Uint8Array;
  /** The lines that were appended to the whole ledger, each a JSON text without its newline. */
  readonly changes: readonly Uint8Array[];
}

/**
 * The end of a whole ledger's text. The sequence does not occur earlier, because `encodeLedger` indents every line
 * inside the object.
 */
const endOfWhole = Buffer.from('\n}\n');
const newline = 0x0a;

/**
 * Splits a file into the whole ledger and the changes after it. Ignores the NULs at the end, which reserve space for
 * more changes.
 *
 * After a crash of the machine, the last change can be incomplete. It then has no newline, or it contains NULs because
 * only its end reached the disk. An incomplete change is left out, because it was never reported as successful.
 */
function splitLedger(file: Uint8Array): SplitLedger {
  const bytes = file.subarray(0, file.findLastIndex((byte) => byte !== 0) + 1);
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(endOfWhole);
  if (at < 0) return { whole: bytes, changes: [] };
  const end = at + endOfWhole.length;
  const changes: Uint8Array[] = [];
  for (let start = end; start < bytes.length; ) {
    const next = bytes.indexOf(newline, start);
    if (next < 0) break;
    changes.push(bytes.subarray(start, next));
    start = next + 1;
  }
  if (changes.at(-1)?.includes(0)) changes.pop();
  return { whole: bytes.subarray(0, end), changes };
}

/** Encodes a whole ledger with one device on each line, so that an operator can read it. */
export function encodeLedger({ version, node, devices, unread, unknown }: LedgerContent): string {
  const records = [...[...devices].map(([id, kept]) => [id, encodeRecord(kept)] as const), ...unread];
  const lines = records.map(([id, value]) => `    ${JSON.stringify(id)}: ${JSON.stringify(value)}`);
  const head = Object.entries({ version: Math.max(version, formatVersion), node, ...unknown }).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`,
  );
  const body = lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n  }`;
  return `{\n${head.join('')}  "devices": ${body}\n}\n`;
}

/**
 * Encodes changed devices as a line to append to the file. `null` removes a device.
 *
 * @example {"devices":{"dataplaneMvp3":{"resource":"dataplane",…},"dataplaneMvp4":null}}
 */
export function encodeChange(devices: LedgerDelta): string {
  const lastUsed = (kept: LedgerRecord | undefined) => kept?.record.lastUsed ?? 0;
  // Sorts the devices in the order of use, like the ledger.
  const members = [...devices]
    .toSorted(([, left], [, right]) => lastUsed(left) - lastUsed(right))
    .map(([id, kept]) => `${JSON.stringify(id)}:${JSON.stringify(kept === undefined ? null : encodeRecord(kept))}`);
  return `{"devices":{${members.join(',')}}}\n`;
}

/** Encodes a record. Unknown keys cannot overwrite known keys, because the decoder puts no known key among them. */
function encodeRecord({ record, unknown, unknownOfAttachment }: LedgerRecord): unknown {
  const { attachment, ...entry } = record;
  return {
    ...entry,
    ...(attachment !== undefined && { attachment: { ...attachment, ...unknownOfAttachment } }),
    ...unknown,
  };
}
