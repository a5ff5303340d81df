// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exposeAll, nic, plan, policy } from '../../test/fixtures/plan/build-example.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';
import { readExplicit } from '../plan/from-explicit.ts';
import type { Labels } from '../plan/match-labels.ts';
import type { Wanted } from '../plan/plan-node.ts';
import { blastOfNode, conflictsOfPolicy, summarizeOverlaps } from './blast-of-node.ts';

const interfaces = [nic('eth0', { numaNode: 0 }), nic('eth1', { numaNode: 1 })];
const p = (...parentSelector: readonly ParentEntry[]) => policy('p', { parentSelector });
const data = { parentIface: 'eth0', resourceName: 'data' } as const;

/**
 * Returns one line for each change, such as `lost data` or `gained eth0 by implicit exposure`. If pods hold devices of
 * the resource, the line ends with their number.
 */
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
  it('is empty if the plan does not change', () => {
    assert.deepEqual(changes([p(data)], [p(data, { parentIface: 'eth9' })]), []);
    assert.deepEqual(changes([p(data)], [policy('q', { parentSelector: [data] })]), []);
  });

  it('lists gained and lost resources', () => {
    assert.deepEqual(changes([], [p(data)]), ['gained data']);
    assert.deepEqual(changes([p(data)], [], { held: { data: 3, other: 2 } }), ['lost data 3']);
  });

  it('lists every changed property that affects a pod', () => {
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

  it('lists a changed effect of a lost carrier', () => {
    const evicting = policy('p', { parentSelector: [data], onCarrierLoss: 'Evict' });
    assert.deepEqual(changes([p(data)], [evicting]), ['changed data onCarrierLoss NoSchedule -> Evict after 30 s']);
    const ignoring = policy('p', { parentSelector: [data], onCarrierLoss: 'Ignore' });
    assert.deepEqual(changes([evicting], [ignoring]), ['changed data onCarrierLoss Evict after 30 s -> Ignore']);
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

  it('ends implicit exposure if the first policy selects the node, even if that policy is invalid', () => {
    const wanted = { implicit: exposeAll };
    assert.deepEqual(changes([], [p(data)], { wanted }), ['lost eth0', 'lost eth1', 'gained data']);
    assert.deepEqual(changes([], [p(data, {})], { wanted }), ['lost eth0', 'lost eth1']);
  });
});

const make = (name: string, priority: number, ...parentSelector: readonly ParentEntry[]) =>
  policy(name, { priority, parentSelector });
const all = { nicSelector: { names: ['eth*'] } } as const;

function detailsOf(subject: Policy, ...others: readonly Policy[]): readonly string[] {
  const conflicts = conflictsOfPolicy(plan({ interfaces, policies: [subject, ...others] }), subject.id);
  const summary = summarizeOverlaps(subject, others);
  for (const node of ['h1', 'h2']) summary.add(node, conflicts);
  return summary.verdicts().map(({ code, severity, detail }) => {
    assert.deepEqual([code, severity], ['PolicyOverlap', 'warn']);
    return detail;
  });
}

describe('selectors of two policies that find the same interface', () => {
  it('cause a warning for the losing policy and for the winning policy', () => {
    const first = make('first', 1, all);
    const second = make('second', 2, { ...all, mode: 'vepa' });
    assert.deepEqual(detailsOf(second, first), [
      'the other wins, priority 1 before 2; macvtap-cni/first shares eth0, eth1 on 2 nodes: h1, h2',
    ]);
    assert.deepEqual(detailsOf(first, second), [
      'this policy wins, priority 1 before 2; macvtap-cni/second shares eth0, eth1 on 2 nodes: h1, h2',
    ]);
  });

  it('cause a warning if one of them uses passthru', () => {
    const whole = make('whole', 1, { nicSelector: { names: ['eth0'] }, mode: 'passthru', resourceName: 'whole' });
    const bridge = make('bridge', 2, { parentIface: 'eth0', resourceName: 'data' });
    assert.match(detailsOf(bridge, whole)[0] ?? '', /; macvtap-cni\/whole shares passthru of eth0 on /);
    assert.match(detailsOf(whole, bridge)[0] ?? '', /; macvtap-cni\/bridge shares passthru of eth0 on /);
  });

  it('cause one warning for each other policy, in order of precedence', () => {
    const subject = make('p', 50, all);
    const others = [make('c', 90, all), make('a', 10, { nicSelector: { names: ['eth0'] } })];
    assert.deepEqual(
      detailsOf(subject, ...others).map((text) => /cni\/(\w)/.exec(text)?.[1]),
      ['a', 'c'],
    );
  });
});

describe('the overlap summary has no warning', () => {
  it('about names that are in the text of both policies', () => {
    const named = (name: string) => make(name, 1, { parentIface: 'eth0', resourceName: 'data' });
    assert.deepEqual(detailsOf(named('p'), named('q')), []);
    const whole = make('w', 1, { parentIface: 'eth0', resourceName: 'w', mode: 'passthru' });
    assert.deepEqual(detailsOf(named('p'), whole), []);
  });

  it('about conflicts within the policy, or between two other policies', () => {
    const own = make('p', 1, { ...all, mode: 'passthru' }, { nicSelector: { names: ['eth1'] }, resourceName: 'x' });
    assert.deepEqual(detailsOf(own), []);
    const apart = make('p', 1, { parentIface: 'eth9' });
    assert.deepEqual(detailsOf(apart, make('q', 2, all), make('r', 3, all)), []);
  });

  it('about conflicts with sources that are not policies', () => {
    const explicit = '[{"name":"a","lowerDevice":"eth0","mode":"passthru"},{"name":"b","lowerDevice":"eth0"}]';
    const answer = plan({ interfaces, explicit });
    assert.equal(answer.conflicts.length, 1);
    assert.deepEqual(conflictsOfPolicy(answer, ''), []);
  });
});
