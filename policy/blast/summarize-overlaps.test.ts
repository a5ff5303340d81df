// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nic, plan, policy } from '../../test/fixtures/plan/build-example.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';
import { meetingsOf, summarizeOverlaps } from './summarize-overlaps.ts';

const interfaces = [nic('eth0'), nic('eth1')];
const make = (name: string, priority: number, ...parentSelector: readonly ParentEntry[]) =>
  policy(name, { priority, parentSelector });
const all = { nicSelector: { names: ['eth*'] } } as const;

function told(subject: Policy, ...others: readonly Policy[]): readonly string[] {
  const meetings = meetingsOf(plan({ interfaces, policies: [subject, ...others] }), subject.id);
  const summary = summarizeOverlaps(subject, others);
  for (const node of ['h1', 'h2']) summary.add(node, meetings);
  return summary.verdicts().map(({ code, severity, detail }) => {
    assert.deepEqual([code, severity], ['PolicyOverlap', 'warn']);
    return detail;
  });
}

describe('selectors that find the same interface', () => {
  it('are told to the one that loses and to the one that wins', () => {
    const first = make('first', 1, all);
    const second = make('second', 2, { ...all, mode: 'vepa' });
    assert.deepEqual(told(second, first), [
      'the other wins, priority 1 before 2; macvtap-cni/first shares eth0, eth1 on 2 nodes: h1, h2',
    ]);
    assert.deepEqual(told(first, second), [
      'this policy wins, priority 1 before 2; macvtap-cni/second shares eth0, eth1 on 2 nodes: h1, h2',
    ]);
  });

  it('are told where one takes the interface whole', () => {
    const whole = make('whole', 1, { nicSelector: { names: ['eth0'] }, mode: 'passthru', resourceName: 'whole' });
    const bridge = make('bridge', 2, { parentIface: 'eth0', resourceName: 'data' });
    assert.match(told(bridge, whole)[0] ?? '', /; macvtap-cni\/whole shares passthru of eth0 on /);
    assert.match(told(whole, bridge)[0] ?? '', /; macvtap-cni\/bridge shares passthru of eth0 on /);
  });

  it('are told for each other policy, in the order in which they win', () => {
    const subject = make('p', 50, all);
    const others = [make('c', 90, all), make('a', 10, { nicSelector: { names: ['eth0'] } })];
    assert.deepEqual(
      told(subject, ...others).map((text) => /cni\/(\w)/.exec(text)?.[1]),
      ['a', 'c'],
    );
  });
});

describe('nothing is told', () => {
  it('of what the names of both tell already', () => {
    const named = (name: string) => make(name, 1, { parentIface: 'eth0', resourceName: 'data' });
    assert.deepEqual(told(named('p'), named('q')), []);
    const whole = make('w', 1, { parentIface: 'eth0', resourceName: 'w', mode: 'passthru' });
    assert.deepEqual(told(named('p'), whole), []);
  });

  it('of the policy itself, or of a conflict of others', () => {
    const own = make('p', 1, { ...all, mode: 'passthru' }, { nicSelector: { names: ['eth1'] }, resourceName: 'x' });
    assert.deepEqual(told(own), []);
    const apart = make('p', 1, { parentIface: 'eth9' });
    assert.deepEqual(told(apart, make('q', 2, all), make('r', 3, all)), []);
  });

  it('of sources that are no policies', () => {
    const explicit = '[{"name":"a","lowerDevice":"eth0","mode":"passthru"},{"name":"b","lowerDevice":"eth0"}]';
    const answer = plan({ interfaces, explicit });
    assert.equal(answer.conflicts.length, 1);
    assert.deepEqual(meetingsOf(answer, ''), []);
  });
});
