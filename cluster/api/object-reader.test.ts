// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiObject } from './api-resource.ts';
import { createObjectReader } from './object-reader.ts';
import { watchedKinds } from './watched-kinds.ts';

const states = watchedKinds({ policyNamespace: 'macvtap-cni' }).find(({ kind }) => kind === 'MacvtapNetworkNodeState');

/** Returns a node state as a watch stores it, without the fields that the product does not use. */
function kept(name: string, status: unknown): ApiObject {
  return states?.trim({ metadata: { name }, status }) ?? assert.fail();
}

function links(count: number) {
  return { interfaces: Array.from({ length: count }, (_, index) => ({ name: `e${index}` })) };
}

const read = (reader: ReturnType<typeof createObjectReader>, ...objects: readonly ApiObject[]) => {
  const { known, faults } = reader.read(new Map(objects.map((object) => [object.metadata.name, object])));
  return {
    known: known.map((one) => ('leftOut' in one ? `${one.name}: ${one.leftOut}` : 'value' in one && one.kind)),
    faults: faults.map(({ where }) => where),
  };
};

test('a node state that exceeds a limit replaces its valid version, and the other states stay unchanged', () => {
  const reader = createObjectReader('macvtap-cni');
  const good = kept('h1', links(1));
  const kind = 'MacvtapNetworkNodeState';
  assert.deepEqual(read(reader, kept('evil', links(2)), good), { known: [kind, kind], faults: [] });
  assert.deepEqual(read(reader, kept('evil', links(4_096)), good), {
    known: ['evil: status.interfaces: 4096, and at most 1000 are read', kind],
    faults: ['MacvtapNetworkNodeState evil'],
  });
  assert.deepEqual(read(reader, kept('evil', links(2)), good), { known: [kind, kind], faults: [] });
});

test('a node state that throws while it is read is left out, and the others are still read', () => {
  const hostile = {
    get interfaces(): never {
      throw new RangeError('Maximum call stack size exceeded');
    },
  };
  const { known } = read(createObjectReader('macvtap-cni'), kept('evil', hostile), kept('h1', links(1)));
  assert.deepEqual(known, ['evil: status: not of type object', 'MacvtapNetworkNodeState']);
});

const once = watchedKinds({ policyNamespace: 'macvtap-cni', isOneShot: true }).find(
  ({ kind }) => kind === 'MacvtapNetworkNodeState',
);
const reported = { name: 'e0', parent: 'e0', mode: 'bridge', source: 'implicit', quantity: 1, health: 'Healthy' };

for (const [what, status] of [
  ['valid', { source: 'implicit', resources: [reported], ...links(2) }],
  ['from a newer version with more fields', { newer: { deep: [1] }, interfaces: [{ name: 'e0', newer: true }] }],
  ['invalid', { resources: [{ name: 'e0' }] }],
  ['invalid, with unknown fields', { newer: 1, resources: [{ name: 'e0', newer: 1 }] }],
  ['beyond a limit', links(4_096)],
  ['with two resources of one name', { resources: [reported, reported] }],
  ['without a status', undefined],
  ['with a text as its status', 'none'],
] as const) {
  test(`a node state that is ${what} has the same meaning if it is read only once`, () => {
    const object = () => structuredClone({ metadata: { name: 'h1', managedFields: [] }, ...(status && { status }) });
    const readAs = (kind: typeof once) => {
      const trimmed = kind?.trim(object()) ?? assert.fail();
      return createObjectReader('macvtap-cni').read(new Map([['h1', trimmed]]));
    };
    assert.deepEqual(readAs(once), readAs(states));
  });
}
