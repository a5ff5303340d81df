// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Snapshot } from '../../cluster/snapshot.ts';
import type { Source } from '../../cluster/source.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { brief, entries, nic } from '../../test/fixtures/plan/build-example.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';
import { followPlan } from './follow-plan.ts';

const data = entries({ parentIface: 'eth1', resourceName: 'data' });
const wider = entries({ parentIface: 'eth1', resourceName: 'data', quantity: 200 });
const elsewhere = entries({ parentIface: 'eth9', resourceName: 'data' });

function snapshot(nodes: readonly string[], policies: readonly Policy[] = []): Snapshot {
  return {
    nodes: new Map(nodes.map((name) => [name, { name, labels: {} }])),
    namespaces: new Map(),
    policies,
    networks: new Map(),
    nodeStates: new Map(),
    explicit: undefined,
  };
}

/** A source and an interface watch that the test itself changes, and what is told of h1 while they are followed. */
function follow(first: { snapshot: Snapshot; synced?: boolean; interfaces?: readonly InterfaceFacts[] }) {
  const changes = { source: new Set<() => void>(), interfaces: new Set<() => void>() };
  const subscribe = (listeners: Set<() => void>, listener: () => void): Disposable => {
    listeners.add(listener);
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  };
  const now = { synced: true, interfaces: [nic('eth1')] as readonly InterfaceFacts[], ...first };
  const source: Source = {
    get snapshot() {
      return now.snapshot;
    },
    get synced() {
      return now.synced;
    },
    faults: [],
    onChange: (listener) => subscribe(changes.source, listener),
    [Symbol.asyncDispose]: async () => {},
  };
  const interfaces: InterfaceWatch = {
    get current() {
      return now.interfaces;
    },
    settled: async () => {},
    onChange: (listener) => subscribe(changes.interfaces, () => listener(now.interfaces)),
    [Symbol.asyncDispose]: async () => {},
  };
  const told: string[] = [];
  const following = followPlan({
    nodeName: 'h1',
    source,
    interfaces,
    exposure: undefined,
    onPlan: (plan, cause) => told.push(`${cause}: ${brief(plan).join(' ') || 'nothing'}`),
    onWaiting: (reason) => told.push(reason === undefined ? again : `waiting: ${reason}`),
  });
  return {
    /** What was told since it was last asked. */
    told: () => told.splice(0),
    edit: (next: Snapshot, synced = true) => {
      Object.assign(now, { snapshot: next, synced });
      for (const listener of changes.source) listener();
    },
    relink: (...next: readonly InterfaceFacts[]) => {
      now.interfaces = next;
      for (const listener of changes.interfaces) listener();
    },
    listeners: () => changes.source.size + changes.interfaces.size,
    [Symbol.dispose]: () => following[Symbol.dispose](),
  };
}

const again = 'waiting no more';
const noNode = 'waiting: there is no Node h1; check --node-name';
const unread = 'waiting: the source was not read yet';

describe('a plan that is followed', () => {
  it('is told at once', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    assert.deepEqual(node.told(), ['edit: data=eth1/bridge/100']);
  });

  it('is told at once even if it exposes nothing', () => {
    using node = follow({ snapshot: snapshot(['h1']) });
    assert.deepEqual(node.told(), ['edit: nothing']);
  });

  it('is told again after an edit that changes it, and after no other', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    node.told();
    node.edit(snapshot(['h1', 'h2'], [data]));
    assert.deepEqual(node.told(), []);
    node.edit(snapshot(['h1', 'h2'], [wider]));
    assert.deepEqual(node.told(), ['edit: data=eth1/bridge/200']);
  });

  it('is told again after a change of links that changes it, and after no other', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    node.told();
    node.relink(nic('eth1', { up: false }));
    assert.deepEqual(node.told(), []);
    node.relink();
    node.relink(nic('eth1'));
    assert.deepEqual(node.told(), ['links: nothing', 'links: data=eth1/bridge/100']);
  });

  it('is told with new facts about what is not exposed, though the resources are the same', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]), interfaces: [] });
    node.told();
    node.relink(nic('eth1', { master: { name: 'br0', kind: 'bridge' } }));
    assert.deepEqual(node.told(), ['links: nothing']);
  });

  it('is put down to the links after an edit that changed nothing', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    node.edit(snapshot(['h1', 'h2'], [data]));
    node.told();
    node.relink();
    assert.deepEqual(node.told(), ['links: nothing']);
  });
});

describe('a plan that cannot be made', () => {
  it('is waited for until the source was read, and this is told once', () => {
    using node = follow({ snapshot: snapshot([]), synced: false });
    node.relink();
    node.edit(snapshot(['h1']), false);
    assert.deepEqual(node.told(), [unread]);
    node.relink(nic('eth1'));
    node.edit(snapshot(['h1'], [data]));
    assert.deepEqual(node.told(), [again, 'edit: data=eth1/bridge/100']);
  });

  it('is waited for while the Node is missing, and this is told once each time', () => {
    using node = follow({ snapshot: snapshot(['h2'], [data]) });
    node.edit(snapshot(['h3'], [data]));
    assert.deepEqual(node.told(), [noNode]);
    node.edit(snapshot(['h1'], [data]));
    node.edit(snapshot([], [data]));
    assert.deepEqual(node.told(), [again, 'edit: data=eth1/bridge/100', noNode]);
  });

  it('is told with the new reason when the reason changes', () => {
    using node = follow({ snapshot: snapshot([]), synced: false });
    node.edit(snapshot([]));
    assert.deepEqual(node.told(), [unread, noNode]);
  });

  it('leaves the last one in force: what comes back the same is not told again, what comes back changed is an edit', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    node.edit(snapshot([]));
    node.told();
    node.edit(snapshot(['h1'], [data]));
    assert.deepEqual(node.told(), [again]);
    node.edit(snapshot([]));
    node.edit(snapshot(['h1'], [elsewhere]));
    assert.deepEqual(node.told(), [noNode, again, 'edit: nothing']);
  });
});

it('a plan is not followed any more once it is disposed of', () => {
  const node = follow({ snapshot: snapshot(['h1'], [data]) });
  node.told();
  assert.equal(node.listeners(), 2);
  node[Symbol.dispose]();
  assert.equal(node.listeners(), 0);
  node.edit(snapshot(['h1'], [wider]));
  node.relink();
  assert.deepEqual(node.told(), []);
});
