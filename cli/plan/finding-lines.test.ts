// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Finding } from '../../policy/plan/node-plan.ts';
import { reasons } from '../../policy/reasons.ts';
import { findingLines } from './finding-lines.ts';

const nothing = (entry: number, nic: string): Finding => ({
  code: 'NothingFound',
  source: 'policy',
  policy: 'macvtap-cni/p',
  entry,
  interface: nic,
});
const on = (node: string, ...findings: readonly Finding[]) => findings.map((finding) => ({ node, finding }));
const says = reasons.NothingFound;

describe('what is not exposed', () => {
  it('on several nodes is told once, and of very many with their number', () => {
    const three = ['h10', 'h2', 'h1'].flatMap((node) => on(node, nothing(0, 'eth7')));
    assert.deepEqual(findingLines(three), [`  h1, h2 and h10  NothingFound  macvtap-cni/p[0] eth7: ${says}`]);
    const many = Array.from({ length: 2_000 }, (_, index) => `h${index}`).flatMap((node) =>
      on(node, nothing(0, 'eth7')),
    );
    assert.deepEqual(findingLines(many), [
      `  2,000 nodes (h0, h1, h2, …)  NothingFound  macvtap-cni/p[0] eth7: ${says}`,
    ]);
  });

  it('by several entries of a policy, for one reason, is one line', () => {
    const named = { ...nothing(2, 'eth9'), resource: 'data' };
    assert.deepEqual(findingLines(on('h1', nothing(0, 'eth7'), nothing(1, 'eth8'), named)), [
      `  h1  NothingFound  macvtap-cni/p[0] eth7, [1] eth8, [2] eth9 as data: ${says}`,
    ]);
  });

  it('stays apart where nodes, policies, reasons or what came first differ', () => {
    const taken = (by: string): Finding => ({ ...nothing(0, 'eth7'), code: 'ResourceNameTaken', by });
    const other: Finding = { ...nothing(0, 'eth7'), policy: 'macvtap-cni/q' };
    const lines = findingLines([
      ...on('h1', nothing(0, 'eth7'), nothing(1, 'eth8'), taken('a/b'), taken('a/c'), other),
      ...on('h2', nothing(1, 'eth8')),
    ]);
    assert.deepEqual(
      lines.map((line) => line.replace(/: .*/, '')),
      [
        '  h1  NothingFound  macvtap-cni/p[0] eth7',
        '  h1 and h2  NothingFound  macvtap-cni/p[1] eth8',
        '  h1  ResourceNameTaken  macvtap-cni/p[0] eth7',
        '  h1  ResourceNameTaken  macvtap-cni/p[0] eth7',
        '  h1  NothingFound  macvtap-cni/q[0] eth7',
      ],
    );
  });

  it('is broken where the terminal ends', () => {
    const text = findingLines(on('h1', nothing(0, 'eth7')), 50).join('\n');
    assert.deepEqual(
      text.split('\n').filter(({ length }) => length > 50),
      [],
    );
    assert.equal(text.replaceAll(/\s+/g, ' '), ` h1 NothingFound macvtap-cni/p[0] eth7: ${says}`);
  });

  it('can end no line, whatever an interface is called', () => {
    assert.match(findingLines(on('h1', nothing(0, 'e\nh2'))).join('\n'), /^[ -~]+$/);
  });
});
