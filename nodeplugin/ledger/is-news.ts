// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import type { KeptRecord, LedgerContent } from './ledger-content.ts';

/**
 * Whether a ledger says more after changes of these devices than another order of use, which is not worth a write of its
 * own: the next one carries it.
 */
export function isNews(before: LedgerContent, after: LedgerContent, deviceIDs: readonly string[]): boolean {
  return (
    before.unread.size !== after.unread.size ||
    deviceIDs.some((id) => !isDeepStrictEqual(withoutUse(before.devices.get(id)), withoutUse(after.devices.get(id))))
  );
}

function withoutUse(kept: KeptRecord | undefined): KeptRecord | undefined {
  return kept && { ...kept, record: { ...kept.record, lastUsed: 0 } };
}
