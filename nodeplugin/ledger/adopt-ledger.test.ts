// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptLedger } from './adopt-ledger.ts';
import { changeLedger } from './change-ledger.ts';
import { emptyLedger } from './ledger-content.ts';

const entry = { resource: 'dataplane', parent: 'bond1', mode: 'bridge', ifindex: 1_100_000_000, attempt: 0 } as const;
const ledger = changeLedger(emptyLedger('old'), [
  { deviceID: 'a', entry },
  { deviceID: 'b', entry: { ...entry, nodeName: 'older' } },
]);

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
