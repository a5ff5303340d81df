// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from './api-resource.ts';
import { createSharer, shareNodeState } from './share-node-state.ts';

const skipped = (by: string) => ({ name: 'ens3', by, code: 'Shadowed' });

test('equal values are replaced with the first of them, and no content changes', () => {
  const sharer = createSharer(100);
  const first = skipped('ens1');
  assert.equal(sharer.value(first), first);
  assert.equal(sharer.value(skipped('ens1')), first);
  assert.deepEqual(sharer.value(skipped('ens2')), skipped('ens2'));
  for (const value of ['text', 7, true, null, [], {}]) assert.deepEqual(sharer.value(value), value);
  assert.notEqual(sharer.value('7'), sharer.value(7));
});

test('equal lists become one list, and lists with some equal items share these items', () => {
  const sharer = createSharer(100);
  const list = sharer.list([skipped('ens1'), skipped('ens2')]);
  assert.deepEqual(list, [skipped('ens1'), skipped('ens2')]);
  assert.equal(sharer.list([skipped('ens1'), skipped('ens2')]), list);
  const other = sharer.list([skipped('ens2')]);
  assert.deepEqual(other, [skipped('ens2')]);
  assert.equal(other[0], list[1]);
  assert.deepEqual(sharer.list([skipped('ens2'), skipped('ens1')]), [skipped('ens2'), skipped('ens1')]);
  assert.deepEqual(sharer.list([]), []);
});

test('long values are forgotten earlier, because a node could fill the memory with them', () => {
  const sharer = createSharer(100);
  const long = (index: number) => ({ text: `${index}`.repeat(20_000) });
  const first = sharer.value(long(1));
  assert.equal(sharer.value(long(1)), first);
  for (const index of [2, 3, 4]) sharer.value(long(index));
  assert.notEqual(sharer.value(long(1)), first);
});

test('at most `limit` values are remembered, and later results are still correct', () => {
  const sharer = createSharer(3);
  const early = sharer.value(skipped('ens0'));
  for (let index = 1; index < 50; index += 1) {
    const by = `ens${index}`;
    assert.deepEqual(sharer.value(skipped(by)), skipped(by));
    assert.deepEqual(sharer.list([skipped(by), by]), [skipped(by), by]);
  }
  assert.notEqual(sharer.value(skipped('ens0')), early);
});

test('lists count by their length, so that a list in always different orders does not fill the memory', () => {
  const limit = 100;
  const sharer = createSharer(limit);
  const items = Array.from({ length: 60 }, (_, index) => skipped(`ens${index}`));
  const first = sharer.list(items);
  assert.equal(sharer.list(items), first);
  // These 90 lists are below the limit of 100 lists, but exceed the limit of 5,000 items (50 for each list).
  for (let turn = 1; turn <= 90; turn += 1)
    sharer.list([...items.slice(turn % 60), ...items.slice(0, turn % 60), turn]);
  assert.notEqual(sharer.list(items), first);
  assert.deepEqual(sharer.list(items), first);
});

/** Returns the state of a node. All nodes are the same model. */
function stateOf(node: string, macAddress: string) {
  return {
    metadata: { name: node },
    status: {
      source: 'policy',
      interfaces: [{ name: 'ens3f0', altNames: ['enp59s0f0'], mtu: 9000, macAddress, pciAddress: '0000:3b:00.0' }],
      resources: [{ name: 'data', parent: 'ens3f0', mode: 'bridge', source: 'policy', quantity: 100, held: 2 }],
      skipped: [{ name: 'ens4', code: 'Enslaved', by: 'bond1', message: 'ens4: enslaved to bond1' }],
      counts: { resources: 1 },
    },
  };
}

type State = ReturnType<typeof stateOf>;

test('states keep their content, and share equal values', () => {
  const sharer = createSharer(100);
  const share = (state: State) => shareNodeState(state, sharer) as unknown as State;
  const [first, second] = [share(stateOf('h1', '52:54:00:00:00:01')), share(stateOf('h2', '52:54:00:00:00:02'))];
  assert.deepEqual(first, stateOf('h1', '52:54:00:00:00:01'));
  assert.deepEqual(second, stateOf('h2', '52:54:00:00:00:02'));
  for (const field of ['resources', 'skipped', 'counts'] as const) {
    assert.equal(second.status[field], first.status[field], field);
  }
  assert.equal(second.status.interfaces[0]?.altNames, first.status.interfaces[0]?.altNames);
});

test('interfaces keep every value, whatever their fields are', () => {
  const odd = [
    [],
    [{}],
    [{ name: 'ens1', ifindex: 0, macAddress: '', addresses: [], lowerIfindex: 7 }],
    [
      { macAddress: 'm', name: 'ens1' },
      { name: 'ens2', addresses: ['10.0.0.1/8', 7, null, { deep: [null] }] },
    ],
    [{ name: 'ens1', macAddress: null }],
    [{ name: 'ens1', macAddress: true, permanentMACAddress: true }],
    [
      { name: 'ens1', macAddress: 'm', permanentMACAddress: 'm' },
      { name: 'ens2', permanentMACAddress: 'm' },
    ],
    [{ name: 'ens1', ifindex: 3, unknown: null }, { permanentMACAddress: { a: 1 } }],
    [{ name: 'ens1' }, null, 7],
    [JSON.parse('{"__proto__": {"name": "ens1"}, "ifindex": 1}')],
  ];
  const sharer = createSharer(100);
  for (const interfaces of odd) {
    const text = JSON.stringify(interfaces);
    const object = { metadata: { name: 'h1' }, status: { source: 'policy', interfaces, counts: {} } };
    const shared = shareNodeState(object, sharer) as unknown as typeof object;
    assert.deepEqual(shared, object, text);
    assert.deepEqual(JSON.parse(JSON.stringify(shared)), JSON.parse(JSON.stringify(object)), text);
    assert.deepEqual(Object.keys(shared.status), Object.keys(object.status));
    assert.deepEqual({ ...shared.status }, object.status, text);
  }
});

test('nodes of the same model keep only one list of interfaces, and each reads its own addresses', () => {
  const sharer = createSharer(100);
  const share = (state: State) => shareNodeState(state, sharer) as unknown as State;
  const states = ['01', '02'].map((octet) => share(stateOf(`h${octet}`, `52:54:00:00:00:${octet}`)));
  const addresses = () => states.map(({ status }) => status.interfaces.map(({ macAddress }) => macAddress));
  assert.deepEqual(addresses(), [['52:54:00:00:00:01'], ['52:54:00:00:00:02']]);
  assert.deepEqual(addresses(), [['52:54:00:00:00:01'], ['52:54:00:00:00:02']]);
});

test('a missing or invalid status stays unchanged, so that the schema check refuses it', () => {
  const sharer = createSharer(100);
  const wrong = [
    undefined,
    null,
    7,
    [],
    { interfaces: {} },
    { interfaces: [null, 7] },
    { skipped: 'text', resources: [null] },
  ];
  for (const status of wrong) {
    const object: ApiObject = { metadata: { name: 'h1' }, status };
    assert.deepEqual(shareNodeState(object, sharer), object, JSON.stringify(status));
  }
});
