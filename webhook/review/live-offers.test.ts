// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../cluster/source.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { nodeState, reported } from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { stageReviews } from '../../test/fixtures/webhook/review-stage.ts';
import { followOffers } from './live-offers.ts';

const empty: Snapshot = {
  nodes: new Map(),
  namespaces: new Map(),
  policies: [],
  networks: new Map(),
  nodeStates: new Map(),
  leftOut: new Map(),
  explicit: undefined,
};

function offering(resourceName: string): Snapshot {
  return { ...empty, policies: [policy(resourceName, { parentSelector: [{ parentIface: 'bond1', resourceName }] })] };
}

/** Returns offers that follow a source, and functions that control that source. */
function stage(first: Snapshot, isSynced = true) {
  const listeners = new Set<() => void>();
  let reads = 0;
  let snapshot = first;
  let synced = isSynced;
  const faults: string[] = [];
  const source = {
    get snapshot() {
      reads += 1;
      return snapshot;
    },
    get synced() {
      return synced;
    },
    onChange(listener: () => void) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const view = followOffers({ source, onBug: ({ message }) => void faults.push(message) });
  return {
    source,
    view,
    faults,
    listeners,
    reads: () => reads,
    publish(next: Snapshot, isSynced = true) {
      snapshot = next;
      synced = isSynced;
      for (const listener of listeners) listener();
    },
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('offers are sound only if they were computed from a synced source, without a problem', async () => {
  const { view, publish } = stage(empty, false);
  assert.equal(view.isSound, false);
  publish(offering('first'));
  // The source is synced, but these offers are still those of the empty cache.
  assert.equal(view.isSound, false);
  await turn();
  assert.equal(view.isSound, true);
});

test('offers follow the source', async () => {
  const { view, publish } = stage(offering('first'));
  assert.deepEqual(view.current.resources, ['first']);
  publish(offering('second'));
  await turn();
  assert.deepEqual(view.current.resources, ['second']);
});

test('listeners are called after the offers change, until their scope ends', async () => {
  const { view, publish } = stage(offering('first'));
  const told: string[] = [];
  {
    using _listening = view.onChange(() => told.push(...view.current.resources));
    publish(offering('second'));
    assert.deepEqual(told, []);
    await turn();
    assert.deepEqual(told, ['second']);
  }
  publish(offering('third'));
  await turn();
  assert.deepEqual(told, ['second']);
});

test('changes that arrive together cause one update', async () => {
  const { view, publish, reads } = stage(empty);
  const before = reads();
  for (const name of ['a', 'b', 'c']) publish(offering(name));
  await turn();
  assert.deepEqual([reads() - before, view.current.resources], [1, ['c']]);
});

test('policies that were looked up replace those of the snapshot only in the returned offers', () => {
  const { view } = stage(offering('known'));
  assert.deepEqual(view.withPolicies(offering('new').policies).resources, ['new']);
  assert.deepEqual(view.current.resources, ['known']);
});

test('if the offers of a snapshot cannot be computed, the previous ones stay, and the bug is reported', async () => {
  const { view, publish, faults } = stage(offering('good'));
  publish({ ...empty, policies: null as unknown as Snapshot['policies'] });
  await turn();
  assert.deepEqual([view.current.resources, faults.length], [['good'], 1]);
  publish(offering('better'));
  await turn();
  assert.deepEqual(view.current.resources, ['better']);
});

/** A map that throws when it is used. It simulates a bug that is not caused by a single report. */
const brokenNodes = { has: () => false } as unknown as Snapshot['nodes'];
const anyState = new Map([['h1', nodeState([])]]);

test('after a failed update, `problem` is set, and offers come only from the newest policies', async () => {
  const { view, publish, faults } = stage(offering('good'));
  publish({ ...offering('newer'), nodes: brokenNodes, nodeStates: anyState });
  await turn();
  assert.match(String(view.problem), /not a function/);
  assert.equal(view.isSound, false);
  assert.deepEqual([view.current.resources, faults.length], [['newer'], 1]);
  publish(offering('better'));
  await turn();
  assert.deepEqual([view.problem, view.current.resources], [undefined, ['better']]);
});

test('if the first update fails, `problem` is set, and nothing throws', async () => {
  const { view, publish, faults } = stage({ ...offering('written'), nodes: brokenNodes, nodeStates: anyState });
  assert.deepEqual([view.problem === undefined, view.current.resources, faults.length], [false, ['written'], 1]);
  publish(offering('good'));
  await turn();
  assert.deepEqual([view.problem, view.current.resources], [undefined, ['good']]);
});

test('only the unreadable node state is left out, and later policies take effect', async () => {
  const hostile = {
    ...{ apiVersion: '', kind: '', metadata: { name: 'evil' } },
    get status(): never {
      throw new RangeError('Maximum call stack size exceeded');
    },
  };
  const nodes = new Map(['evil', 'h1'].map((name) => [name, { name, labels: {} }]));
  const implicit = nodeState([reported('eth0', 'eth0', { source: 'implicit' })], [{ name: 'eth0' }]);
  const nodeStates = new Map<string, MacvtapNetworkNodeState>([
    ['evil', hostile],
    ['h1', implicit],
  ]);
  const { view, publish, faults } = stage({ ...offering('first'), nodes, nodeStates });
  const leftOut = [['evil', 'reading it failed: Maximum call stack size exceeded']];
  assert.deepEqual([view.current.resources, [...view.leftOut], faults], [['eth0', 'first'], leftOut, []]);
  publish({ ...offering('second'), nodes, nodeStates });
  await turn();
  assert.deepEqual([view.current.resources, [...view.leftOut], view.problem], [['eth0', 'second'], leftOut, undefined]);
  publish({ ...offering('second'), nodes, nodeStates: new Map([...nodeStates, ['evil', nodeState([])]]) });
  await turn();
  assert.deepEqual([...view.leftOut], []);
});

test('`leftOut` includes the node states that the source left out', () => {
  const leftOut = new Map([['evil', 'status.interfaces: 4096, and at most 1000 are read']]);
  assert.deepEqual([...stage({ ...empty, leftOut }).view.leftOut], [...leftOut]);
});

test('after its scope ends, nothing is updated, not even by a pending update', async () => {
  const { view, publish, listeners } = stage(offering('first'));
  publish(offering('second'));
  view[Symbol.dispose]();
  await turn();
  assert.deepEqual([listeners.size, view.current.resources], [0, ['first']]);
});

/** Returns a cluster whose nodes expose what the policy offers, and the names of the node states that were read. */
function watchedNodes(count: number) {
  const read = new Set<string>();
  const names = Array.from({ length: count }, (_, index) => `h${index}`);
  const { status = {} } = nodeState([reported('first', 'bond1', { policy: 'macvtap-cni/first' })], [{ name: 'bond1' }]);
  const stateOf = (name: string): MacvtapNetworkNodeState => ({
    apiVersion: '',
    kind: '',
    metadata: { name },
    get status() {
      read.add(name);
      return status;
    },
  });
  const nodes = new Map(names.map((name) => [name, { name, labels: {} }]));
  return { read, nodes, nodeStates: new Map(names.map((name) => [name, stateOf(name)])) };
}

test('while an update reads thousands of nodes, requests are answered from the previous offers', async () => {
  const { read, ...nodes } = watchedNodes(5_000);
  const namespaces = new Map([['tenant', {}]]);
  const { source, view, publish } = stage({ ...offering('first'), ...nodes, namespaces });
  const { review } = stageReviews({ source: { snapshot: source.snapshot, synced: true }, offers: view });
  read.clear();
  publish({ ...offering('second'), ...nodes, namespaces });
  while (read.size === 0) await turn();
  const { allowed } = await review('validate', 'NetworkAttachmentDefinition', {
    object: {
      metadata: {
        name: 'net',
        annotations: { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/first' },
      },
      spec: { config: '{"type": "macvtap", "name": "net", "cniVersion": "1.0.0", "mode": "bridge"}' },
    },
  });
  assert.ok(allowed && read.size < 5_000, `${read.size} nodes read`);
  while (view.current.resources.includes('first')) await turn();
  assert.deepEqual([view.current.resources, read.size], [['second'], 5_000]);
});

test('changes during an update are included in the next update', async () => {
  const { read, ...nodes } = watchedNodes(5_000);
  const { view, publish } = stage({ ...offering('first'), ...nodes });
  read.clear();
  publish({ ...offering('second'), ...nodes });
  while (read.size === 0) await turn();
  publish({ ...offering('third'), ...nodes });
  const seen: string[] = [];
  while (!view.current.resources.includes('third')) {
    seen.push(...view.current.resources);
    await turn();
  }
  assert.deepEqual([...new Set(seen)], ['first', 'second']);
});

test('after its scope ends, an update that is under way reads no more nodes', async () => {
  const { read, ...nodes } = watchedNodes(5_000);
  const { view, publish } = stage({ ...offering('first'), ...nodes });
  read.clear();
  publish({ ...offering('second'), ...nodes });
  while (read.size === 0) await turn();
  view[Symbol.dispose]();
  const { size } = read;
  for (let turns = 0; turns < 10; turns += 1) await turn();
  assert.deepEqual([read.size, view.current.resources], [size, ['first']]);
});
