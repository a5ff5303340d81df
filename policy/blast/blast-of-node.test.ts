// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exposeAll, nic, policy } from '../../test/fixtures/plan/build-example.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';
import type { Labels } from '../plan/match-labels.ts';
import { readExplicit } from '../plan/read-explicit.ts';
import type { Wanted } from '../plan/sources.ts';
import { blastOfNode } from './blast-of-node.ts';

const interfaces = [nic('eth0', { numaNode: 0 }), nic('eth1', { numaNode: 1 })];
const p = (...parentSelector: readonly ParentEntry[]) => policy('p', { parentSelector });
const data = { parentIface: 'eth0', resourceName: 'data' } as const;

/** `lost data`, `gained eth0 by implicit exposure`, `changed data mode bridge -> vepa`; the count held behind. */
function changes(
  before: readonly Policy[],
  after: readonly Policy[],
  given: { readonly labels?: Labels; readonly held?: Record<string, number>; readonly wanted?: Partial<Wanted> } = {},
): readonly string[] {
  const { labels = {}, held = {}, wanted } = given;
  const others = { explicit: undefined, implicit: undefined, ...wanted };
  const reached = { node: { name: 'h1', labels }, interfaces, held: new Map(Object.entries(held)) };
  const blast = blastOfNode(reached, { ...others, policies: before }, { ...others, policies: after }, 'macvtap-cni/p');
  return blast.changes.map(({ effect, resource, how, held: count }) =>
    [effect, resource, how, count].filter((part) => part !== '' && part !== 0).join(' '),
  );
}

describe('a change of policies on one node', () => {
  it('is none where the plan stays', () => {
    assert.deepEqual(changes([p(data)], [p(data, { parentIface: 'eth9' })]), []);
    assert.deepEqual(changes([p(data)], [policy('q', { parentSelector: [data] })]), []);
  });

  it('gains and loses resources', () => {
    assert.deepEqual(changes([], [p(data)]), ['gained data']);
    assert.deepEqual(changes([p(data)], [], { held: { data: 3, other: 2 } }), ['lost data 3']);
  });

  it('changes whatever a pod would notice', () => {
    for (const [entry, how] of [
      [{ mode: 'vepa' }, 'mode bridge -> vepa'],
      [{ quantity: 5 }, 'quantity 100 -> 5'],
      [{ needVhostNet: true }, '/dev/vhost-net no -> yes'],
      [{ excludeTopology: true }, 'NUMA hint 0 -> none'],
      [{ parentIface: 'eth1' }, 'parent eth0 -> eth1, NUMA hint 0 -> 1'],
      [{ mode: 'passthru' }, 'mode bridge -> passthru, quantity 100 -> 1'],
    ] as const) {
      assert.deepEqual(changes([p(data)], [p({ ...data, ...entry })]), [`changed data ${how}`]);
      const back = changes([p({ ...data, ...entry })], [p(data)], { held: { data: 2 } });
      assert.match(back[0] ?? '', /^changed data .* 2$/);
    }
  });

  it('names the source that a node falls back to', () => {
    const explicit = readExplicit('[{"name":"e","lowerDevice":"eth1"}]');
    const labels = { 'parent-iface.macvtap.network.kubevirt.io/eth1': '' };
    assert.deepEqual(changes([p(data)], [], { wanted: { implicit: exposeAll } }), [
      'lost data',
      'gained eth0 by implicit exposure',
      'gained eth1 by implicit exposure',
    ]);
    assert.deepEqual(changes([p(data)], [], { wanted: { explicit } }), [
      'lost data',
      'gained e by the explicit configuration',
    ]);
    assert.deepEqual(changes([p(data)], [], { labels }), ['lost data', 'gained eth1 by tags of the node']);
  });

  it('ends implicit exposure when a first policy selects the node, even one with faults', () => {
    const wanted = { implicit: exposeAll };
    assert.deepEqual(changes([], [p(data)], { wanted }), ['lost eth0', 'lost eth1', 'gained data']);
    assert.deepEqual(changes([], [p(data, {})], { wanted }), ['lost eth0', 'lost eth1']);
  });
});
