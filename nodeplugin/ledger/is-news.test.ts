// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedLedger, decideDelta, type LedgerChange } from './change-ledger.ts';
import type { DeviceEntry } from './device-record.ts';
import { isNews } from './is-news.ts';
import { emptyLedger } from './ledger-content.ts';

const entry: DeviceEntry = { resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0 };
const empty = { ...emptyLedger('n'), unread: new Map([['netMvp8', 1]]) };
const both = ['netMvp0', 'netMvp1'].map((deviceID) => ({ deviceID, entry }));
const before = changedLedger(empty, decideDelta(empty, both, 0));

const cases: readonly { title: string; changes: readonly LedgerChange[]; want: boolean }[] = [
  { title: 'the same entry once more', changes: [{ deviceID: 'netMvp0', entry }], want: false },
  { title: 'a new device', changes: [{ deviceID: 'netMvp2', entry }], want: true },
  { title: 'another parent', changes: [{ deviceID: 'netMvp0', entry: { ...entry, parent: 'eth2' } }], want: true },
  { title: 'a device forgotten', changes: [{ deviceID: 'netMvp0', entry: undefined }], want: true },
  { title: 'an unknown device forgotten', changes: [{ deviceID: 'netMvp9', entry: undefined }], want: false },
  { title: 'an unread record replaced', changes: [{ deviceID: 'netMvp8', entry }], want: true },
  { title: 'an unread record forgotten', changes: [{ deviceID: 'netMvp8', entry: undefined }], want: true },
];

for (const { title, changes, want } of cases) {
  test(`${title} is ${want ? '' : 'no '}news`, () => {
    assert.equal(isNews(before, decideDelta(before, changes, 2)), want);
  });
}
