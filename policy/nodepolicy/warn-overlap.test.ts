// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { verdictText } from '../../webhook/admission/responses.ts';
import type { Policy } from './read-policy.ts';
import type { ParentEntry } from './rule.ts';
import { sharedBy, warnOverlap } from './warn-overlap.ts';

const nodes = new Map(
  ['a', 'a', 'a', 'a', 'b'].map((zone, index) => [`h${index}`, { name: `h${index}`, labels: { zone } }]),
);
const zone = (value: string) => ({ nodeSelector: { matchLabels: { zone: value } } });
const named = (resourceName: string, parentIface = 'eth0') => ({ parentIface, resourceName });
const make = (name: string, rest: object, ...parentSelector: readonly ParentEntry[]) =>
  policy(name, { parentSelector, ...rest });
const told = (subject: Policy, ...others: readonly Policy[]) =>
  warnOverlap(subject, { others, nodes }).map(({ code, severity, path, detail }) => {
    assert.deepEqual([code, severity, path], ['PolicyOverlap', 'warn', 'spec']);
    return detail;
  });

describe('two policies overlap', () => {
  it('if both name a resource for a common node; the lower priority value wins', () => {
    const low = make('low', { ...zone('b'), priority: 5 }, named('data'));
    const high = make('high', {}, named('data', 'eth1'), named('more', 'eth2'));
    assert.deepEqual(told(high, low), [
      'the other wins, priority 5 before 99; macvtap-cni/low shares data on 1 node: h4',
    ]);
    assert.deepEqual(told(low, high), [
      'this policy wins, priority 5 before 99; macvtap-cni/high shares data on 1 node: h4',
    ]);
  });

  it('if both name a resource; with equal priorities, the older policy wins, then the first by name', () => {
    const at = (name: string, creationTimestamp?: string) =>
      policy(
        name,
        { parentSelector: [named('data')] },
        { ...(creationTimestamp !== undefined && { creationTimestamp }) },
      );
    const old = at('z', '2025-01-01T00:00:00Z');
    const young = at('a', '2026-01-01T00:00:00Z');
    assert.match(told(old, young)[0] ?? '', /^this policy wins, being older; /);
    assert.match(told(young, old)[0] ?? '', /^the other wins, being older; /);
    assert.match(told(at('a'), at('b'))[0] ?? '', /^this policy wins by its name; /);
    assert.match(told(at('b'), at('a'))[0] ?? '', /^the other wins by its name; /);
  });

  it('if both resources are named after the same interface', () => {
    assert.match(
      told(make('p', {}, { parentIface: 'eth0' }), make('q', {}, { parentIface: 'eth0' }))[0] ?? '',
      / shares eth0 on /,
    );
    assert.match(
      told(make('p', {}, named('eth0', 'eth9')), make('q', {}, { parentIface: 'eth0' }))[0] ?? '',
      / shares eth0 on /,
    );
  });

  it('if one of them uses a common interface with passthru', () => {
    const whole = make('whole', {}, { ...named('a'), mode: 'passthru' }, named('b'));
    const shared = make('shared', {}, named('c'), { nicSelector: { names: ['*'] }, resourceName: 'd' });
    for (const [one, other] of [
      [whole, shared],
      [shared, whole],
    ] as const) {
      assert.deepEqual(sharedBy(one, other), { resources: [], parents: ['eth0'] });
      assert.match(
        told(one, other)[0] ?? '',
        /; macvtap-cni\/\w+ shares passthru of eth0 on 5 nodes: h0, h1, h2, \.\.\.$/,
      );
    }
  });

  it('over several names, in a single warning', () => {
    const one = make('one', {}, { ...named('a'), mode: 'passthru' }, named('b', 'eth1'));
    const other = make('other', {}, named('b'), named('a', 'eth2'));
    assert.match(told(one, other)[0] ?? '', / shares a, b and passthru of eth0 on /);
  });

  it('with many others; the warnings are about the first eight by precedence, and count the rest', () => {
    const others = Array.from({ length: 12 }, (_, index) => make(`q${index}`, { priority: 90 - index }, named('data')));
    const texts = told(make('p', {}, named('data')), ...others);
    assert.deepEqual(
      texts.slice(0, 8).map((text) => /macvtap-cni\/(q\d+)/.exec(text)?.[1]),
      ['q11', 'q10', 'q9', 'q8', 'q7', 'q6', 'q5', 'q4'],
    );
    assert.deepEqual(texts.slice(8), ['and 4 more policies']);
    assert.equal(told(make('p', {}, named('data')), ...others.slice(0, 9)).at(-1), 'and 1 more policy');
  });

  it('even if they have long names; the warning is cut at the limit', () => {
    const long = (letter: string) =>
      make(letter.repeat(253), {}, named('r'.repeat(63)), named('s'.repeat(63)), {
        parentIface: 'i'.repeat(127),
        resourceName: 't'.repeat(63),
      });
    const [text] = warnOverlap(long('p'), { others: [long('q')], nodes }).map(verdictText);
    assert.match(text ?? '', /^PolicyOverlap spec: .* \(this policy wins by its name; macvtap-cni\/q+\.\.\. shares r/);
    assert.ok((text ?? '').length <= 256);
  });
});

describe('two policies do not overlap', () => {
  it('if they select no common node', () => {
    assert.deepEqual(told(make('p', zone('a'), named('data')), make('q', zone('b'), named('data'))), []);
    assert.deepEqual(told(make('p', zone('c'), named('data')), make('q', {}, named('data'))), []);
  });

  it('if they have different names on the same interface, without passthru', () => {
    assert.deepEqual(told(make('p', {}, named('a')), make('q', {}, named('b'))), []);
  });

  it('if they are the old and the new version of one policy', () => {
    assert.deepEqual(told(make('p', {}, named('a')), make('p', {}, named('a'))), []);
  });

  it('if the other one has errors and exposes nothing', () => {
    assert.deepEqual(told(make('p', {}, named('a')), make('q', {}, named('a'), {})), []);
  });

  it('if only their nicSelectors match the same interface, because the rule compares only names', () => {
    const nicSelector = { names: ['eth0'] };
    assert.deepEqual(told(make('p', {}, { nicSelector, mode: 'passthru' }), make('q', {}, { nicSelector })), []);
  });
});
