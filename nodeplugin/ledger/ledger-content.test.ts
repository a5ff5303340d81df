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

test('every record makes its device the one used last', () => {
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

test('the ledger before is not touched, and forgetting a device that it lacks changes nothing', () => {
  changeLedger(empty, [{ deviceID: 'a', entry }]);
  assert.equal(empty.devices.size, 0);
  assert.deepEqual(changeLedger(empty, [{ deviceID: 'a', entry: undefined }]), empty);
});

test('unknown keys of this version stay beside a device, and beside its attachment while that is the same', () => {
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

test('forgetting a device forgets its unknown keys', () => {
  const changed = changeLedger(withUnknown(formatVersion), [
    { deviceID: 'a', entry: undefined },
    { deviceID: 'a', entry },
  ]);
  assert.deepEqual(changed.devices.get('a')?.unknown, {});
});

test('in a file of a newer version only the device that changes loses what is not understood', () => {
  const newer = withUnknown(formatVersion + 1);
  const changed = changeLedger(newer, [{ deviceID: 'a', entry }]);
  assert.deepEqual(changed.devices.get('a')?.unknown, {});
  assert.deepEqual([...changed.unread], [['b', { mode: 'source' }]]);
  const another = changeLedger(newer, [{ deviceID: 'b', entry }]);
  assert.deepEqual(another.devices.get('a'), newer.devices.get('a'));
  assert.equal(another.unread.size, 0);
  assert.equal(another.version, formatVersion + 1);
});

test('a record that cannot be read can be forgotten', () => {
  assert.equal(changeLedger(withUnknown(formatVersion + 1), [{ deviceID: 'b', entry: undefined }]).unread.size, 0);
});

const netEntry: DeviceEntry = { resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0 };
const withUnread = { ...emptyLedger('n'), unread: new Map([['netMvp8', 1]]) };
const both = ['netMvp0', 'netMvp1'].map((deviceID) => ({ deviceID, entry: netEntry }));
const before = changeLedger(withUnread, both);

const cases: readonly { title: string; changes: readonly LedgerChange[]; want: boolean }[] = [
  { title: 'the same entry once more', changes: [{ deviceID: 'netMvp0', entry: netEntry }], want: false },
  { title: 'a new device', changes: [{ deviceID: 'netMvp2', entry: netEntry }], want: true },
  { title: 'another parent', changes: [{ deviceID: 'netMvp0', entry: { ...netEntry, parent: 'eth2' } }], want: true },
  { title: 'a device forgotten', changes: [{ deviceID: 'netMvp0', entry: undefined }], want: true },
  { title: 'an unknown device forgotten', changes: [{ deviceID: 'netMvp9', entry: undefined }], want: false },
  { title: 'an unread record replaced', changes: [{ deviceID: 'netMvp8', entry: netEntry }], want: true },
  { title: 'an unread record forgotten', changes: [{ deviceID: 'netMvp8', entry: undefined }], want: true },
];

for (const { title, changes, want } of cases) {
  test(`${title} is ${want ? '' : 'no '}news`, () => {
    assert.equal(changesRecords(before, decideDelta(before, changes, 2)), want);
  });
}

const changes = [
  { deviceID: 'a', entry },
  { deviceID: 'b', entry: { ...entry, nodeName: 'older' } },
];
const ledger = changeLedger(emptyLedger('old'), changes);

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
