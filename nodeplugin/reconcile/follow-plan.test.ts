// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { Snapshot, Source } from '../../cluster/source.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import type { Log } from '../../runtime/log.ts';
import { brief, entries, nic, plan, policy } from '../../test/fixtures/plan/build-example.ts';
import type { InterfaceWatch } from '../links/watch-interfaces.ts';
import { createPlanStore, followPlan, logPlan } from './follow-plan.ts';

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
    leftOut: new Map(),
    explicit: undefined,
  };
}

/** Follows the plan of h1 from a source and an interface watch that the test changes, and collects its reports. */
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
    /** Returns the reports since its last call. */
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
const unread = 'waiting: the objects of the cluster were not read yet';

describe('a plan that is followed', () => {
  it('is reported at once', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    assert.deepEqual(node.told(), ['edit: data=eth1/bridge/100']);
  });

  it('is reported at once, even if it exposes nothing', () => {
    using node = follow({ snapshot: snapshot(['h1']) });
    assert.deepEqual(node.told(), ['edit: nothing']);
  });

  it('is reported again after an edit that changes it, but not after other edits', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    node.told();
    node.edit(snapshot(['h1', 'h2'], [data]));
    assert.deepEqual(node.told(), []);
    node.edit(snapshot(['h1', 'h2'], [wider]));
    assert.deepEqual(node.told(), ['edit: data=eth1/bridge/200']);
  });

  it('is reported again after a change of links that changes it, but not after other changes', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    node.told();
    node.relink(nic('eth1', { up: false }));
    assert.deepEqual(node.told(), []);
    node.relink();
    node.relink(nic('eth1'));
    assert.deepEqual(node.told(), ['links: nothing', 'links: data=eth1/bridge/100']);
  });

  it('is reported with new facts about unexposed entries, even if the resources are the same', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]), interfaces: [] });
    node.told();
    node.relink(nic('eth1', { master: { name: 'br0', kind: 'bridge' } }));
    assert.deepEqual(node.told(), ['links: nothing']);
  });

  it('has the links as its cause if the edit before had no effect', () => {
    using node = follow({ snapshot: snapshot(['h1'], [data]) });
    node.edit(snapshot(['h1', 'h2'], [data]));
    node.told();
    node.relink();
    assert.deepEqual(node.told(), ['links: nothing']);
  });
});

describe('a plan that cannot be made', () => {
  it('waits until the source is read, and the reason is reported once', () => {
    using node = follow({ snapshot: snapshot([]), synced: false });
    node.relink();
    node.edit(snapshot(['h1']), false);
    assert.deepEqual(node.told(), [unread]);
    node.relink(nic('eth1'));
    node.edit(snapshot(['h1'], [data]));
    assert.deepEqual(node.told(), [again, 'edit: data=eth1/bridge/100']);
  });

  it('waits while the Node is missing, and the reason is reported once each time', () => {
    using node = follow({ snapshot: snapshot(['h2'], [data]) });
    node.edit(snapshot(['h3'], [data]));
    assert.deepEqual(node.told(), [noNode]);
    node.edit(snapshot(['h1'], [data]));
    node.edit(snapshot([], [data]));
    assert.deepEqual(node.told(), [again, 'edit: data=eth1/bridge/100', noNode]);
  });

  it('is reported with the new reason when the reason changes', () => {
    using node = follow({ snapshot: snapshot([]), synced: false });
    node.edit(snapshot([]));
    assert.deepEqual(node.told(), [unread, noNode]);
  });

  it('keeps the last plan: afterwards, an unchanged plan is not reported, and a changed one is an edit', () => {
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

it('a plan is no longer followed after disposal', () => {
  const node = follow({ snapshot: snapshot(['h1'], [data]) });
  node.told();
  assert.equal(node.listeners(), 2);
  node[Symbol.dispose]();
  assert.equal(node.listeners(), 0);
  node.edit(snapshot(['h1'], [wider]));
  node.relink();
  assert.deepEqual(node.told(), []);
});

const emptyPlan: NodePlan = { node: 'n', source: 'implicit', resources: [], skipped: [], conflicts: [] };

test('a plan is known after the first one, even while no newer plan can be made', () => {
  const kept = createPlanStore();
  kept.setInForce(false);
  assert.deepEqual([kept.isKnown, kept.current], [false, undefined]);

  kept.made(emptyPlan);
  kept.setInForce(false);
  assert.deepEqual([kept.isKnown, kept.current?.plan, kept.current?.isInForce], [true, emptyPlan, false]);
  kept.setInForce(true);
  assert.equal(kept.current?.isInForce, true);

  const newer: NodePlan = { ...emptyPlan, source: 'policy' };
  kept.setInForce(false);
  kept.made(newer);
  assert.deepEqual([kept.current?.plan, kept.current?.isInForce], [newer, true]);
});

const eth1 = { parentIface: 'eth1', resourceName: 'data' };

/** Records the log's entries as `level message` and their fields, without the wording of the findings. */
function record(): { log: Log; lines: unknown[] } {
  const lines: unknown[] = [];
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    const { finding, ...rest } = fields;
    if (finding !== undefined) assert.match(String(finding), /^\S.*: ./);
    lines.push([`${level} ${message}`, rest]);
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

it('a plan is logged in one line, then its conflicts as warnings, then what it does not expose', () => {
  const { log, lines } = record();
  const policies = [
    policy('a', { parentSelector: [eth1, { parentIface: 'eth2' }] }),
    policy('b', { parentSelector: [eth1] }),
  ];
  logPlan(plan({ interfaces: [nic('eth1')], policies }), 'edit', log);
  assert.deepEqual(lines, [
    ['info plan in force', { source: 'policy', cause: 'edit', resources: ['data=eth1/bridge/100'] }],
    ['warn conflict', { code: 'ResourceNameTaken' }],
    ['info not exposed', { code: 'NothingFound' }],
  ]);
});

it('interfaces that implicit exposure skips are logged at level debug', () => {
  const { log, lines } = record();
  logPlan(plan({ interfaces: [nic('lo', { loopback: true })] }), 'links', log);
  assert.deepEqual(lines, [
    ['info plan in force', { source: 'implicit', cause: 'links', resources: [] }],
    ['debug not exposed', { code: 'Loopback' }],
  ]);
});
