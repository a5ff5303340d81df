// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeLedger, encodeLedger } from './ledger-codec.ts';
import { emptyLedger, formatVersion } from './ledger-content.ts';

const attachment = {
  containerID: '4f1c',
  ifname: 'net1',
  netnsPath: '/run/netns/cni-1',
  netnsInode: 4026532201,
  mac: '52:54:00:0a:0b:0c',
};
const device = { resource: 'dataplane', parent: 'bond1', mode: 'bridge', ifindex: 1207959553, attempt: 0, lastUsed: 7 };
const file = {
  version: formatVersion,
  node: 'h1',
  devices: { dataplaneMvp0: device, dataplaneMvp1: { ...device, attachment } },
};

const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const decode = (value: unknown) => decodeLedger(bytesOf(value), 'h1');
const recordsOf = (value: unknown) => [...decode(value).content.devices].map(([id, { record }]) => [id, record]);
const encoded = (value: unknown) => JSON.parse(encodeLedger(decode(value).content));

test('a ledger of this version is read completely', () => {
  assert.deepEqual(decode(file).faults, []);
  assert.deepEqual(recordsOf(file), [
    ['dataplaneMvp0', device],
    ['dataplaneMvp1', { ...device, attachment }],
  ]);
});

test('the file has one line for each device', () => {
  assert.equal(
    encodeLedger(decode({ ...file, devices: { a: device, b: device } }).content),
    `{\n  "version": ${formatVersion},\n  "node": "h1",\n  "devices": {\n    "a": ${JSON.stringify(device)},\n    "b": ${JSON.stringify(device)}\n  }\n}\n`,
  );
});

test('an empty ledger is written and read', () => {
  const text = encodeLedger(emptyLedger('h1'));
  assert.deepEqual(JSON.parse(text), { version: formatVersion, node: 'h1', devices: {} });
  assert.deepEqual(decode(text), { content: emptyLedger('h1'), faults: [] });
});

test('NULs after the text are ignored, even if a user reformatted the file', () => {
  const text = encodeLedger(emptyLedger('h1'));
  for (const form of [text, JSON.stringify(JSON.parse(text))]) {
    assert.deepEqual(decode(`${form}${'\0'.repeat(100)}`), { content: emptyLedger('h1'), faults: [] });
  }
});

for (const [what, content, detail] of [
  ['an empty file', '', /^is empty$/],
  ['a file cut short', JSON.stringify(file).slice(0, 60), /^is not JSON: /],
  ['a text that is not JSON', 'ledger', /^is not JSON: /],
  ['a list', '[]', /^is \[\], not an object$/],
  ['null', 'null', /^is null, not an object$/],
] as const) {
  test(`${what} results in an empty ledger and one error`, () => {
    const { content: read, faults } = decode(content);
    assert.deepEqual(read, emptyLedger('h1'));
    assert.equal(faults.length, 1);
    assert.match(faults[0]?.detail ?? '', detail);
  });
}

test('bytes that are not UTF-8 are an error, and are not replaced by other characters', () => {
  assert.match(decodeLedger(new Uint8Array([0x7b, 0xff, 0x7d]), 'h1').faults[0]?.detail ?? '', /^is not JSON: /);
});

for (const [change, path] of [
  [{ resource: undefined }, 'devices.bad.resource'],
  [{ resource: '' }, 'devices.bad.resource'],
  [{ parent: 7 }, 'devices.bad.parent'],
  [{ mode: 'source' }, 'devices.bad.mode'],
  [{ mode: 'constructor' }, 'devices.bad.mode'],
  [{ ifindex: 0 }, 'devices.bad.ifindex'],
  [{ ifindex: 0x8000_0000 }, 'devices.bad.ifindex'],
  [{ ifindex: '7' }, 'devices.bad.ifindex'],
  [{ attempt: -1 }, 'devices.bad.attempt'],
  [{ attempt: undefined }, 'devices.bad.attempt'],
  [{ lastUsed: 1.5 }, 'devices.bad.lastUsed'],
  [{ nodeName: null }, 'devices.bad.nodeName'],
  [{ podUID: 7 }, 'devices.bad.podUID'],
  [{ listed: false }, 'devices.bad.listed'],
  [{ restriction: null }, 'devices.bad.restriction'],
  [{ restriction: { policy: 'n/p', namespaces: [] } }, 'devices.bad.restriction'],
  [
    { restriction: { policy: 'n/p', namespaces: [{ key: 'a', operator: 'Is', values: [] }] } },
    'devices.bad.restriction',
  ],
  [{ attachment: null }, 'devices.bad.attachment'],
  [{ attachment: { ...attachment, containerID: 1 } }, 'devices.bad.attachment.containerID'],
  [{ attachment: { ...attachment, ifname: undefined } }, 'devices.bad.attachment.ifname'],
  [{ attachment: { ...attachment, netnsInode: 'x' } }, 'devices.bad.attachment.netnsInode'],
  [{ attachment: { ...attachment, mac: '52:54' } }, 'devices.bad.attachment.mac'],
] as const) {
  test(`a record with ${JSON.stringify(change)} is left out and reported as ${path}, and the other records remain`, () => {
    const broken = { ...file, devices: { bad: { ...device, ...change }, good: device } };
    assert.deepEqual(
      decode(broken).faults.map((fault) => fault.path),
      [path],
    );
    assert.deepEqual(recordsOf(broken), [['good', device]]);
  });
}

test('a record that is not an object is left out', () => {
  for (const value of [null, 1, 'x', []]) {
    assert.deepEqual(decode({ ...file, devices: { bad: value } }).faults[0]?.path, 'devices.bad');
  }
});

for (const [change, path] of [
  [{ version: undefined }, 'version'],
  [{ version: '1' }, 'version'],
  [{ version: 0 }, 'version'],
  [{ node: 5 }, 'node'],
] as const) {
  test(`a file with ${JSON.stringify(change)} is reported as invalid, but its records are read`, () => {
    const { content, faults } = decode({ ...file, ...change });
    assert.deepEqual(
      faults.map((fault) => fault.path),
      [path],
    );
    assert.deepEqual([content.version, content.node, content.devices.size], [formatVersion, 'h1', 2]);
  });
}

test('a file whose devices are not an object has no devices', () => {
  assert.deepEqual(decode({ ...file, devices: [] }).faults, [{ path: 'devices', detail: 'is [], not an object' }]);
});

test('an error shows the beginning of a long value', () => {
  const [fault] = decode({ ...file, devices: { bad: 'x'.repeat(1_000) } }).faults;
  assert.equal(fault?.detail, `is "${'x'.repeat(39)}…, not an object`);
});

test('unknown keys of the file, of a device and of an attachment are written back', () => {
  const newer = {
    ...file,
    seal: { by: 'h1' },
    devices: {
      a: { ...device, vhost: true, attachment: { ...attachment, queues: [1, 2] } },
      b: { ...device, __proto__: 'x', toString: 1 },
    },
  };
  assert.deepEqual(decode(newer).faults, []);
  assert.deepEqual(encoded(newer), newer);
});

test('a file of a newer version is not an error, and keeps its version and its unreadable records', () => {
  const newer = {
    ...file,
    version: formatVersion + 1,
    devices: { known: { ...device, vlan: 5 }, mode: { ...device, mode: 'source' }, list: [1] },
  };
  assert.deepEqual(decode(newer).faults, []);
  assert.deepEqual([...decode(newer).content.unread.keys()], ['mode', 'list']);
  assert.deepEqual(encoded(newer), newer);
});

test('a file of an earlier version is read, and is written in this version', () => {
  const before = { version: 1, node: 'h1', devices: { a: device } };
  const { content, faults } = decodeLedger(Buffer.from(JSON.stringify(before)), 'h1');
  assert.deepEqual([faults, content.version, content.devices.get('a')?.record], [[], 1, device]);
  assert.deepEqual(JSON.parse(encodeLedger(content)), { ...before, version: formatVersion });
});
