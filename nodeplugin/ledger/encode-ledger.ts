// SPDX-License-Identifier: Apache-2.0
import type { KeptRecord, LedgerContent } from './ledger-content.ts';

/** The text of the file, one device a line, for whoever looks at it in an emergency. */
export function encodeLedger({ version, node, devices, unread, unknown }: LedgerContent): string {
  const records = [...[...devices].map(([id, kept]) => [id, encodeRecord(kept)] as const), ...unread];
  const lines = records.map(([id, value]) => `    ${JSON.stringify(id)}: ${JSON.stringify(value)}`);
  const head = Object.entries({ version, node, ...unknown }).map(
    ([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`,
  );
  const body = lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n  }`;
  return `{\n${head.join('')}  "devices": ${body}\n}\n`;
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
