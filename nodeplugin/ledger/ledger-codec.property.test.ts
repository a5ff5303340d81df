// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeLedger, encodeChange, encodeLedger } from './ledger-codec.ts';
import { formatVersion, type LedgerContent, type LedgerRecord } from './ledger-content.ts';

const text = fc.string({ minLength: 1, unit: 'binary' });
const count = fc.nat();
/** Values as JSON.parse returns them: without -0 and without undefined. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const unknown = fc.dictionary(
  text.map((key) => `x-${key}`),
  json,
  { maxKeys: 3, noNullPrototype: true },
);

const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':'));

const attachment = fc.record(
  {
    containerID: text,
    ifname: text,
    netnsPath: text,
    netnsInode: count,
    mac,
    podUID: text,
    mtu: fc.integer({ min: 1, max: 65_535 }),
    parked: fc.constant(true as const),
    network: text,
  },
  { requiredKeys: ['containerID', 'ifname', 'netnsPath', 'netnsInode', 'mac'], noNullPrototype: true },
);

const podMAC = fc.record({ podUID: text, ifname: text, mac }, { noNullPrototype: true });

const required = {
  resource: text,
  parent: text,
  mode: fc.constantFrom('bridge', 'private', 'vepa', 'passthru'),
  ifindex: fc.integer({ min: 1, max: 0x7fff_ffff }),
  attempt: count,
  lastUsed: count,
} as const;

const requirement = fc.record(
  { key: text, operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'), values: fc.array(text) },
  { noNullPrototype: true },
);

const restriction = fc.record(
  { policy: text, namespaces: fc.array(requirement, { minLength: 1, maxLength: 3 }) },
  { noNullPrototype: true },
);

const kept = fc
  .record(
    {
      ...required,
      nodeName: text,
      pod: text,
      podUID: text,
      listed: fc.constant(true),
      podMAC,
      restriction,
      attachment,
    },
    { requiredKeys: Object.keys(required) as (keyof typeof required)[], noNullPrototype: true },
  )
  .chain((record) =>
    fc.tuple(unknown, record.attachment === undefined ? fc.constant({}) : unknown).map(
      ([unknown, unknownOfAttachment]): LedgerRecord => ({
        record: record as LedgerRecord['record'],
        unknown,
        unknownOfAttachment,
      }),
    ),
  );

const content: fc.Arbitrary<LedgerContent> = fc.record({
  version: fc.constantFrom(formatVersion, formatVersion + 1),
  node: text,
  devices: fc.array(fc.tuple(text, kept), { maxLength: 5 }).map((entries) => new Map(entries)),
  unread: fc.constant(new Map()),
  unknown,
});

const encode = (ledger: LedgerContent) => new TextEncoder().encode(encodeLedger(ledger));

test('a ledger that was encoded is decoded without changes', () => {
  fc.assert(
    fc.property(content, (ledger) => {
      const decoded = decodeLedger(encode(ledger), 'other');
      assert.deepEqual(decoded.faults, []);
      assert.deepEqual(byKey(decoded.content), byKey(ledger));
    }),
  );
});

test('a ledger followed by a line of changes is decoded as the changed ledger', () => {
  fc.assert(
    fc.property(content, content, (before, { devices }) => {
      const after = { ...before, devices };
      const gone = before.devices.keys().map((id) => [id, undefined] as const);
      const bytes = new TextEncoder().encode(encodeLedger(before) + encodeChange(new Map([...gone, ...devices])));
      const decoded = decodeLedger(bytes, 'other');
      assert.deepEqual(decoded.faults, []);
      assert.deepEqual(byKey(decoded.content), byKey(after));
    }),
  );
});

test('a file that was truncated anywhere is reported, and decoding it never throws', () => {
  fc.assert(
    fc.property(content, fc.double({ min: 0, max: 1, noNaN: true }), (ledger, share) => {
      const bytes = encode(ledger);
      // At least the final brace and newline are cut off. Without the brace, the text is not JSON.
      const end = Math.floor(share * (bytes.length - 2));
      const decoded = decodeLedger(bytes.subarray(0, end), 'h1');
      assert.equal(decoded.faults.length, 1);
      assert.equal(decoded.content.devices.size, 0);
    }),
  );
});

test('any JSON is decoded without throwing, and the result can be encoded and decoded again', () => {
  const anything = fc.record({ version: json, node: json, devices: fc.dictionary(text, fc.oneof(json, kept)) });
  fc.assert(
    fc.property(fc.oneof(json, anything), (value) => {
      const first = decodeLedger(new TextEncoder().encode(JSON.stringify(value)), 'h1').content;
      const again = decodeLedger(encode(first), 'h1');
      const version = Math.max(first.version, formatVersion);
      assert.deepEqual(again, { content: { ...first, version }, faults: [] });
    }),
  );
});

/**
 * Converts the devices to an object, so that their order does not matter: JSON puts keys that look like numbers first.
 */
function byKey(ledger: LedgerContent): unknown {
  return { ...ledger, devices: Object.fromEntries(ledger.devices) };
}
