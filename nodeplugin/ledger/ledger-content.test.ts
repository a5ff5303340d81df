// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attachment, DeviceEntry } from './device-record.ts';
import {
  adoptLedger,
  changedLedger,
  changesRecords,
  decideDelta,
  emptyLedger,
  formatVersion,
  highestUse,
  type LedgerChange,
  type LedgerContent,
} from './ledger-content.ts';

const entry: DeviceEntry = {
  resource: 'dataplane',
  parent: 'bond1',
  mode: 'bridge',
  ifindex: 1_100_000_000,
  attempt: 0,
};
const attachment: Attachment = {
  containerID: '4f1c',
  ifname: 'net1',
  netnsPath: '/run/netns/cni-1',
  netnsInode: 4026532201,
  mac: '52:54:00:0a:0b:0c',
};

const empty = emptyLedger('h1');
const changeLedger = (content: LedgerContent, changes: readonly LedgerChange[]) =>
  changedLedger(content, decideDelta(content, changes, highestUse(content)));
const lastUsed = ({ devices }: LedgerContent) => [...devices].map(([id, { record }]) => [id, record.lastUsed]);

/** Returns a ledger with one device, in which a newer program added an unknown key to every object. */
function withUnknown(version: number): LedgerContent {
  const record = { ...entry, attachment, lastUsed: 4 };
  const devices = new Map([['a', { record, unknown: { vhost: true }, unknownOfAttachment: { queues: 2 } }]]);
  return { ...empty, version, devices, unread: new Map([['b', { mode: 'source' }]]) };
}

test('a device becomes the most recently used one when it is recorded', () => {
  const first = changeLedger(empty, [
    { deviceID: 'a', entry },
    { deviceID: 'b', entry },
  ]);
  assert.deepEqual(lastUsed(first), [
    ['a', 1],
    ['b', 2],
  ]);
  assert.deepEqual(lastUsed(changeLedger(first, [{ deviceID: 'a', entry }])), [
    ['b', 2],
    ['a', 3],
  ]);
});

test('changes of one device take effect in their order', () => {
  const other = { ...entry, parent: 'eth1' };
  const changes = [
    { deviceID: 'a', entry },
    { deviceID: 'a', entry: undefined },
    { deviceID: 'a', entry: other },
  ];
  assert.deepEqual(changeLedger(empty, changes).devices.get('a')?.record, { ...other, lastUsed: 2 });
});

test('the original ledger is not changed, and forgetting an unknown device has no effect', () => {
  changeLedger(empty, [{ deviceID: 'a', entry }]);
  assert.equal(empty.devices.size, 0);
  assert.deepEqual(changeLedger(empty, [{ deviceID: 'a', entry: undefined }]), empty);
});

test('in a file of this version, unknown keys of a device and of an unchanged attachment are kept', () => {
  const change = (next: DeviceEntry) => changeLedger(withUnknown(formatVersion), [{ deviceID: 'a', entry: next }]);
  const kept = (next: DeviceEntry) => {
    const { unknown, unknownOfAttachment } = change(next).devices.get('a') ?? {};
    return [unknown, unknownOfAttachment];
  };
  assert.deepEqual(kept({ ...entry, attachment: { ...attachment, mac: '52:54:00:00:00:01' } }), [
    { vhost: true },
    { queues: 2 },
  ]);
  assert.deepEqual(kept({ ...entry, attachment: { ...attachment, containerID: '77aa' } }), [{ vhost: true }, {}]);
  assert.deepEqual(kept(entry), [{ vhost: true }, {}]);
});

test('forgetting a device removes its unknown keys', () => {
  const changed = changeLedger(withUnknown(formatVersion), [
    { deviceID: 'a', entry: undefined },
    { deviceID: 'a', entry },
  ]);
  assert.deepEqual(changed.devices.get('a')?.unknown, {});
});

test('in a file of a newer version, only a changed device loses its unknown content', () => {
  const newer = withUnknown(formatVersion + 1);
  const changed = changeLedger(newer, [{ deviceID: 'a', entry }]);
  assert.deepEqual(changed.devices.get('a')?.unknown, {});
  assert.deepEqual([...changed.unread], [['b', { mode: 'source' }]]);
  const another = changeLedger(newer, [{ deviceID: 'b', entry }]);
  assert.deepEqual(another.devices.get('a'), newer.devices.get('a'));
  assert.equal(another.unread.size, 0);
  assert.equal(another.version, formatVersion + 1);
});

test('an unreadable record can be removed', () => {
  assert.equal(changeLedger(withUnknown(formatVersion + 1), [{ deviceID: 'b', entry: undefined }]).unread.size, 0);
});

const netEntry: DeviceEntry = { resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0 };
const withUnread = { ...emptyLedger('n'), unread: new Map([['netMvp8', 1]]) };
const both = ['netMvp0', 'netMvp1'].map((deviceID) => ({ deviceID, entry: netEntry }));
const before = changeLedger(withUnread, both);

const cases: readonly { title: string; changes: readonly LedgerChange[]; want: boolean }[] = [
  { title: 'recording the same entry again', changes: [{ deviceID: 'netMvp0', entry: netEntry }], want: false },
  { title: 'recording a new device', changes: [{ deviceID: 'netMvp2', entry: netEntry }], want: true },
  {
    title: 'recording another parent',
    changes: [{ deviceID: 'netMvp0', entry: { ...netEntry, parent: 'eth2' } }],
    want: true,
  },
  { title: 'forgetting a device', changes: [{ deviceID: 'netMvp0', entry: undefined }], want: true },
  { title: 'forgetting an unknown device', changes: [{ deviceID: 'netMvp9', entry: undefined }], want: false },
  { title: 'replacing an unread record', changes: [{ deviceID: 'netMvp8', entry: netEntry }], want: true },
  { title: 'forgetting an unread record', changes: [{ deviceID: 'netMvp8', entry: undefined }], want: true },
];

for (const { title, changes, want } of cases) {
  test(`${title} ${want ? 'changes' : 'does not change'} the records`, () => {
    assert.equal(changesRecords(before, decideDelta(before, changes, 2)), want);
  });
}

const changes = [
  { deviceID: 'a', entry },
  { deviceID: 'b', entry: { ...entry, nodeName: 'older' } },
];
const ledger = changeLedger(emptyLedger('old'), changes);

test('the records of a renamed node keep the old name, from which their indexes are derived', () => {
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

test('a ledger with the same node name is not changed', () => {
  assert.equal(adoptLedger(ledger, 'old'), ledger);
});
