// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharer } from '../objects/share-equal.ts';
import type { ApiObject } from './api-object.ts';
import { shareNodeState } from './share-node-state.ts';

/** What two nodes of one make say. */
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

test('states say the same after it, and hold once what they say alike', () => {
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

test('what has no status, or a wrong one, stays as it is, for the schema to refuse', () => {
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
