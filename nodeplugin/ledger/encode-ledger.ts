// SPDX-License-Identifier: Apache-2.0
import type { LedgerDelta } from './change-ledger.ts';
import { formatVersion, type KeptRecord, type LedgerContent } from './ledger-content.ts';

/** The text of a whole file, one device a line, for whoever looks at it in an emergency. */
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
 * The line that says of these devices what the ledger has of them, to follow the file's text: `null` is nothing any more.
 *
 * @example {"devices":{"dataplaneMvp3":{"resource":"dataplane",…},"dataplaneMvp4":null}}
 */
export function encodeChange(devices: LedgerDelta): string {
  const lastUsed = (kept: KeptRecord | undefined) => kept?.record.lastUsed ?? 0;
  // In the ledger's own order, which is the one of use.
  const members = [...devices]
    .toSorted(([, left], [, right]) => lastUsed(left) - lastUsed(right))
    .map(([id, kept]) => `${JSON.stringify(id)}:${JSON.stringify(kept === undefined ? null : encodeRecord(kept))}`);
  return `{"devices":{${members.join(',')}}}\n`;
}

/** Unknown keys are never those of the record: the decoder told them apart. */
function encodeRecord({ record, unknown, unknownOfAttachment }: KeptRecord): unknown {
  const { attachment, ...entry } = record;
  return {
    ...entry,
    ...(attachment !== undefined && { attachment: { ...attachment, ...unknownOfAttachment } }),
    ...unknown,
  };
}
