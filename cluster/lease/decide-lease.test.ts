// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideLease } from './decide-lease.ts';

const table = [
  ['is taken at once where nobody holds it', undefined, 0, { what: 'take', transitions: 4 }],
  ['is renewed by its holder, however long that was away', 'me', 60_000, { what: 'renew', transitions: 3 }],
  ['is waited for while its holder gives signs', 'other', 4_000, { what: 'wait', ms: 11_000 }],
  ['is waited for until the very end', 'other', 14_999, { what: 'wait', ms: 1 }],
  ['is taken when its holder gave no sign for its duration', 'other', 15_000, { what: 'take', transitions: 4 }],
] as const;

for (const [title, holder, unchangedMs, decision] of table) {
  test(`a Lease ${title}`, () => {
    const record = { holder, durationMs: 15_000, transitions: 3 };
    assert.deepEqual(decideLease(record, { identity: 'me', unchangedMs }), decision);
  });
}
