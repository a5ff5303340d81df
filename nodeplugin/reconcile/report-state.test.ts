// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExplicit } from '../../policy/plan/from-explicit.ts';
import { findExplicitTrouble, summarizeHeld } from './report-state.ts';

const parents = lookUp({ eth0: 2, eth1: 3 });
const device = (id: string, more: object = {}) => ({ id, resource: 'net', ...more });
const onEth0 = { parent: 'eth0', mode: 'bridge', parentIfindex: 2 } as const;
const onEth1 = { parent: 'eth1', mode: 'bridge', parentIfindex: 3 } as const;
const devices = (...each: readonly object[]) => each.map((more, index) => device(String(index), more));

test('the summary counts the held devices of a resource, with their common parent and mode', () => {
  const summary = { held: 2, lost: 0, parent: 'eth0', mode: 'bridge', elsewhere: [] };
  assert.deepEqual(summarizeHeld(devices(onEth0, onEth0), onEth0, parents), summary);
  assert.deepEqual(summarizeHeld(devices(onEth0, onEth0), undefined, parents), summary);
  assert.deepEqual(summarizeHeld([], onEth0, parents), { held: 0, lost: 0, elsewhere: [] });
});

test('devices on different or unknown parents have no common parent', () => {
  const { parent, mode, elsewhere } = summarizeHeld(devices(onEth0, onEth1, onEth0), undefined, parents);
  assert.deepEqual([parent, mode], [undefined, 'bridge']);
  assert.deepEqual(elsewhere, [
    { parent: 'eth0', mode: 'bridge', held: 2 },
    { parent: 'eth1', mode: 'bridge', held: 1 },
  ]);
  assert.deepEqual(summarizeHeld([device('a')], undefined, parents), { held: 1, lost: 0, elsewhere: [] });
});

test('after an edit, held devices keep their old parent and mode', () => {
  const edited = { parent: 'eth1', mode: 'vepa' } as const;
  const held = devices(onEth0, onEth1, { ...onEth1, mode: 'vepa' }, onEth0, {});
  assert.deepEqual(summarizeHeld(held, edited, parents).elsewhere, [
    { parent: 'eth0', mode: 'bridge', held: 2 },
    { parent: 'eth1', mode: 'bridge', held: 1 },
  ]);
});

test('a device on a renamed parent is not elsewhere, and neither is a device that lost its link', () => {
  const renamed = { ...onEth1, parent: 'old1' };
  const lost = { ...onEth0, parentIfindex: 7 };
  assert.deepEqual(summarizeHeld(devices(renamed, lost), onEth1, parents).elsewhere, []);
});

test('devices on an interface do not count for another interface that now has its name', () => {
  const taken = lookUp({ old0: 7, eth0: 9 });
  const held = devices({ ...onEth0, parentIfindex: 7 }, { ...onEth0, parentIfindex: 9 });
  assert.deepEqual(summarizeHeld(held, onEth0, taken).elsewhere, [{ parent: 'old0', mode: 'bridge', held: 1 }]);
});

test('a parent that was renamed is reported under its present name', () => {
  // The second device was allocated while eth0 was named uplink0.
  const held = devices(onEth0, { ...onEth0, parent: 'uplink0' });
  const elsewhere = [{ parent: 'eth0', mode: 'bridge', held: 2 }];
  assert.deepEqual(summarizeHeld(held, onEth1, parents).elsewhere, elsewhere);
  assert.deepEqual(summarizeHeld(held, { ...onEth0, mode: 'vepa' }, parents).elsewhere, elsewhere);
  const { parent, elsewhere: whileDraining } = summarizeHeld(held, undefined, parents);
  assert.deepEqual([parent, whileDraining], ['eth0', []]);
  assert.equal(summarizeHeld(held, undefined, lookUp({ uplink0: 2 })).parent, 'uplink0');
});

test('a link is lost with its parent, even if another interface has the name; a device without a link is not', () => {
  const lost = { ...onEth0, parentIfindex: 7 };
  const renamed = { ...onEth0, parent: 'old0' };
  const withoutLink = { parent: 'eth0', mode: 'bridge' } as const;
  const gone = { parent: 'eth9', mode: 'bridge' } as const;
  assert.equal(summarizeHeld(devices(lost, renamed, withoutLink, gone), undefined, parents).lost, 2);
});

test('a link is also lost if it was deleted under its parent', () => {
  const held = devices({ ...onEth0, isLinkLost: true }, onEth0);
  const { lost, elsewhere } = summarizeHeld(held, onEth1, parents);
  assert.deepEqual([lost, elsewhere], [1, [{ parent: 'eth0', mode: 'bridge', held: 1 }]]);
});

test('the newest error of the explicit configuration is a trouble, unless a policy selects the node', () => {
  const valid = readExplicit('[{"name":"a","lowerDevice":"eth0"}]');
  const typo = readExplicit('[{"name":"a","lowerDevice":"eth0","mode":"Bridge"}]');
  const rejected = { where: 'ConfigMap', message: 'data: line 1', explicit: 'line 1' };
  const outage = { where: 'server', message: 'away' };
  const troubleOf = (
    source: 'policy' | 'explicit' | 'implicit',
    explicit: typeof valid,
    ...faults: (typeof outage)[]
  ) => findExplicitTrouble({ source }, { faults, snapshot: { explicit } }, 'macvtap-cni');
  assert.equal(troubleOf('explicit', valid, outage), undefined);
  assert.equal(troubleOf('policy', typo, rejected), undefined);
  assert.match(troubleOf('implicit', valid, rejected) ?? '', /invalid: line 1; to fix it, run kubectl edit configmap /);
  assert.match(troubleOf('explicit', typo) ?? '', /invalid: entry 0 \(a\): mode "Bridge"/);
});

/** Looks up the interfaces of a node by name and by index. */
function lookUp(interfaces: Readonly<Record<string, number>>) {
  const find = (name: string) => interfaces[name];
  return { find, nameOf: (ifindex: number) => Object.keys(interfaces).find((name) => interfaces[name] === ifindex) };
}
