// SPDX-License-Identifier: Apache-2.0
import type { LedgerContent } from './ledger-content.ts';

/**
 * The ledger as this node's own. One of another name was renamed, or is a copy of the other: its records keep the name
 * that is in their indexes, since their links, where there are any, have these. The very same object where it is the
 * node's already.
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
