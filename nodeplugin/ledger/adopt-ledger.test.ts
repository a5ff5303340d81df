// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptLedger } from './adopt-ledger.ts';
import { changedLedger, decideDelta } from './change-ledger.ts';
import { emptyLedger } from './ledger-content.ts';

const entry = { resource: 'dataplane', parent: 'bond1', mode: 'bridge', ifindex: 1_100_000_000, attempt: 0 } as const;
const changes = [
  { deviceID: 'a', entry },
  { deviceID: 'b', entry: { ...entry, nodeName: 'older' } },
];
const empty = emptyLedger('old');
const ledger = changedLedger(empty, decideDelta(empty, changes, 0));

test('the records of a renamed node keep the name that is in their indexes', () => {
  const adopted = adoptLedger(ledger, 'new');
  assert.equal(adopted.node, 'new');
  assert.deepEqual(
    [...adopted.devices].map(([id, { record }]) => [id, record.nodeName]),
    [
      ['a', 'old'],
      ['b', 'older'],
    ],
  );
});

test("the node's own ledger stays as it is", () => {
  assert.equal(adoptLedger(ledger, 'old'), ledger);
});
