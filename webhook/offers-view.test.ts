// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../cluster/snapshot.ts';
import { policy } from '../test/fixtures/plan/build-example.ts';
import { watchOffers } from './offers-view.ts';

const empty: Snapshot = {
  nodes: new Map(),
  namespaces: new Map(),
  policies: [],
  networks: new Map(),
  nodeStates: new Map(),
  explicit: undefined,
};

function offering(resourceName: string): Snapshot {
  return { ...empty, policies: [policy(resourceName, { parentSelector: [{ parentIface: 'bond1', resourceName }] })] };
}

/** A source of which the test decides, and a view of it. */
function stage(first: Snapshot) {
  const listeners = new Set<() => void>();
  let reads = 0;
  let snapshot = first;
  const faults: string[] = [];
  const source = {
    get snapshot() {
      reads += 1;
      return snapshot;
    },
    onChange(listener: () => void) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const view = watchOffers({ source, onBug: ({ message }) => void faults.push(message) });
  return {
    view,
    faults,
    listeners,
    reads: () => reads,
    publish(next: Snapshot) {
      snapshot = next;
      for (const listener of listeners) listener();
    },
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('offers follow the source', async () => {
  const { view, publish } = stage(offering('first'));
  assert.deepEqual(view.current.resources, ['first']);
  publish(offering('second'));
  await turn();
  assert.deepEqual(view.current.resources, ['second']);
});

test('changes that come together are one update', async () => {
  const { view, publish, reads } = stage(empty);
  const before = reads();
  for (const name of ['a', 'b', 'c']) publish(offering(name));
  await turn();
  assert.deepEqual([reads() - before, view.current.resources], [1, ['c']]);
});

test('policies that were looked up take the place of those of the snapshot, for one reader alone', () => {
  const { view } = stage(offering('known'));
  assert.deepEqual(view.withPolicies(offering('new').policies).resources, ['new']);
  assert.deepEqual(view.current.resources, ['known']);
});

test('a snapshot of which no offers can be made leaves the ones before, and is told', async () => {
  const { view, publish, faults } = stage(offering('good'));
  publish({ ...empty, policies: null as unknown as Snapshot['policies'] });
  await turn();
  assert.deepEqual([view.current.resources, faults.length], [['good'], 1]);
  publish(offering('better'));
  await turn();
  assert.deepEqual(view.current.resources, ['better']);
});

test('after its scope nothing is followed, not even what was on its way', async () => {
  const { view, publish, listeners } = stage(offering('first'));
  publish(offering('second'));
  view[Symbol.dispose]();
  await turn();
  assert.deepEqual([listeners.size, view.current.resources], [0, ['first']]);
});
