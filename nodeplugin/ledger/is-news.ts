// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { LedgerDelta } from './change-ledger.ts';
import type { KeptRecord, LedgerContent } from './ledger-content.ts';

/**
 * Whether a ledger says more after a delta than another order of use, which is not worth a write of its own: the next
 * one carries it.
 */
export function isNews(before: LedgerContent, delta: LedgerDelta): boolean {
  return delta
    .entries()
    .some(
      ([id, kept]) => before.unread.has(id) || !isDeepStrictEqual(withoutUse(before.devices.get(id)), withoutUse(kept)),
    );
}

function withoutUse(kept: KeptRecord | undefined): KeptRecord | undefined {
  return kept && { ...kept, record: { ...kept.record, lastUsed: 0 } };
}
