// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { brief, entries, nic, plan } from '../../test/fixtures/plan/build-example.ts';
import type { NicSelector } from '../nodepolicy/rule.ts';
import { compileGlob } from './match-nic.ts';

const card = nic('ens2f0', {
  altNames: ['enp59s0f0', 'storage'],
  driver: 'ixgbe',
  pciAddress: '0000:3b:00.0',
  vendorID: '8086',
  deviceID: '15ab',
  macAddress: '02:00:00:00:00:01',
  permanentMACAddress: '52:54:00:AA:bb:01',
  numaNode: 1,
  defaultRoute: false,
});
const uplink = nic('ens3', { driver: 'virtio_net', macAddress: '52:54:00:00:00:02', numaNode: 0, defaultRoute: true });
const virtual = nic('veth0', { kind: 'veth', driver: 'veth' });
const bond = nic('bond1', { kind: 'bond', driver: 'bonding' });
const members = [3, 2].map((numaNode) =>
  nic(`m${numaNode}`, { numaNode, master: { name: 'bond1', kind: 'bond' }, ethernet: false }),
);

const selections: readonly [NicSelector, readonly string[]][] = [
  [{ names: ['ens2f0'] }, ['ens2f0']],
  [{ names: ['ens*'] }, ['ens2f0', 'ens3']],
  [{ names: ['ens'] }, []],
  [{ names: ['ens?', 'veth0'] }, ['ens3', 'veth0']],
  [{ names: ['stor*'] }, ['ens2f0']],
  [{ names: ['ENS*'] }, []],
  [{ drivers: ['ixgbe'] }, ['ens2f0']],
  [{ drivers: ['ixgb'] }, []],
  [{ drivers: ['veth', 'virtio_net'] }, ['ens3', 'veth0']],
  [{ pciAddresses: ['0000:3B:00.*'] }, ['ens2f0']],
  [{ pciAddresses: ['*'] }, ['ens2f0']],
  [{ vendorIDs: ['8086'] }, ['ens2f0']],
  [{ vendorIDs: ['0x8086'] }, ['ens2f0']],
  [{ deviceIDs: ['15AB'] }, ['ens2f0']],
  [{ deviceIDs: ['1572'] }, []],
  [{ macAddresses: ['52:54:00:*'] }, ['ens2f0', 'ens3']],
  [{ macAddresses: ['52:54:00:[A-B]*'] }, ['ens2f0']],
  [{ macAddresses: ['02:*'] }, []],
  [{ numaNodes: [0] }, ['ens3']],
  [{ numaNodes: [0, 1] }, ['ens2f0', 'ens3']],
  [{ numaNodes: [2] }, ['bond1']],
  [{ numaNodes: [3, 9] }, ['bond1']],
  [{ names: ['ens*'], drivers: ['ixgbe'] }, ['ens2f0']],
  [{ names: ['ens*'], drivers: ['veth'] }, []],
  [{ names: ['ens*'], exclude: { defaultRoute: true } }, ['ens2f0']],
  [{ names: ['ens*'], exclude: { names: ['storage'] } }, ['ens3']],
  [{ names: ['ens*'], exclude: { drivers: ['ixgbe'], numaNodes: [0] } }, ['ens2f0', 'ens3']],
  [{ names: ['ens*'], exclude: { drivers: ['ixgbe'], numaNodes: [1] } }, ['ens3']],
  [{ names: ['ens*'], exclude: { macAddresses: ['52:54:00:AA:*'] } }, ['ens3']],
  [{ names: ['ens*'], exclude: { pciAddresses: ['0000:*'] } }, ['ens3']],
  [{ names: ['ens*'], exclude: { vendorIDs: ['8086'], deviceIDs: ['0x15ab'] } }, ['ens3']],
  [{ exclude: { names: ['ens*', 'bond*', 'm[0-9]'] } }, ['veth0']],
];

describe('a NIC selector', () => {
  for (const [nicSelector, names] of selections) {
    it(`${JSON.stringify(nicSelector)} selects ${names.join(', ') || 'nothing'}`, () => {
      const policies = [entries({ nicSelector })];
      const { resources } = plan({ interfaces: [card, uplink, virtual, bond, ...members], policies });
      assert.deepEqual(new Set(resources.map(({ parent }) => parent)), new Set(names));
    });
  }

  it('does not select macvtaps that kube-macvtap created', () => {
    const policies = [entries({ nicSelector: { names: ['*'] } })];
    const answer = plan({ interfaces: [nic('mvt0123456789ab', { kind: 'macvtap' }), nic('eth0')], policies });
    assert.deepEqual([brief(answer), answer.skipped], [['eth0=eth0/bridge/100'], []]);
  });
});

it('a bond has the NUMA nodes of its members', () => {
  const { resources } = plan({ interfaces: [...members, bond], policies: [entries({ parentIface: 'bond1' })] });
  assert.deepEqual(resources[0]?.numaNodes, [2, 3]);
});

function matches(pattern: string, text: string): boolean {
  const glob = compileGlob(pattern);
  if ('fault' in glob) throw new Error(glob.fault);
  return glob.matches(text);
}

const globs: readonly [pattern: string, matching: readonly string[], other: readonly string[]][] = [
  ['', [''], ['a']],
  ['eth0', ['eth0'], ['eth', 'eth00', 'Eth0']],
  ['*', ['', 'eth0', '.100'], []],
  ['**', ['', 'x'], []],
  ['ens*', ['ens', 'ens2f0'], ['xens', 'en']],
  ['*0', ['0', 'eth0', '00'], ['eth01']],
  ['e*h*0', ['eh0', 'eth10'], ['eth1', 'the0']],
  ['eth?', ['eth0', 'ethé', 'eth😀'], ['eth', 'eth10']],
  ['eth[0-3]', ['eth0', 'eth3'], ['eth4', 'eth', 'eth10', 'eth-']],
  ['eth[!0-3]', ['eth4', 'eth-'], ['eth0', 'eth']],
  ['eth[^0]', ['eth1'], ['eth0']],
  ['[abc]', ['a', 'c'], ['d', 'ab']],
  ['[a-cx-z]', ['b', 'y'], ['d']],
  ['[]a]', [']', 'a'], ['b']],
  ['[!]a]', ['b'], [']', 'a']],
  ['[a-]', ['a', '-'], ['b']],
  ['[-a]', ['a', '-'], ['b']],
  ['[.]', ['.'], ['x']],
  ['[*?]', ['*', '?'], ['x']],
  ['[\\]]', [']'], ['\\', '\\]']],
  ['[a\\-z]', ['a', '-', 'z'], ['b', '\\']],
  ['[\\a-\\c]', ['b'], ['\\']],
  ['[[]', ['['], ['x']],
  ['\\*', ['*'], ['x', '\\*']],
  ['a\\\\', ['a\\'], ['a']],
  ['a]', ['a]'], ['a']],
  ['é%"*', ['é%"', 'é%".100@x'], ['e%"']],
  ['*.100', ['eth0.100', '.100'], ['eth0x100']],
  ['a+(b)|$', ['a+(b)|$'], ['aab']],
];

describe('a glob', () => {
  for (const [pattern, matching, other] of globs) {
    it(`${pattern || '(empty)'} matches ${matching.join(' ')} and not ${other.join(' ')}`, () => {
      for (const text of matching) assert.ok(matches(pattern, text), text);
      for (const text of other) assert.ok(!matches(pattern, text), text);
    });
  }

  for (const pattern of [
    '[',
    'ens[',
    'ens[a',
    '[]',
    '[!]',
    '[a-',
    '[\\',
    '[\\]',
    '[z-a]',
    'a\\',
    '[[:digit:]]',
    '[[.a.]]',
    '[[=a=]]',
  ]) {
    it(`${pattern} is rejected, and the reason contains the pattern`, () => {
      const glob = compileGlob(pattern);
      assert.ok('fault' in glob && glob.fault.startsWith(pattern));
    });
  }

  it('agrees with the recursive definition of * and ?', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 });
    fc.assert(fc.property(pattern, text, (glob, other) => assert.equal(matches(glob, other), reads(glob, other))));
  });

  it('is fast for patterns that take a backtracking matcher exponential time', () => {
    assert.ok(!matches('*a'.repeat(60), `${'a'.repeat(4_000)}b`));
    assert.ok(!matches(`${'*a'.repeat(40)}*b`, 'a'.repeat(4_000)));
    assert.ok(matches(`${'*a'.repeat(40)}*`, 'a'.repeat(4_000)));
    assert.ok(!matches(`${'*'.repeat(10_000)}b`, 'a'.repeat(1_000)));
  });
});

/** Matches by the definition of globs. This takes exponential time. */
function reads(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*') return reads(pattern.slice(1), text) || (text !== '' && reads(pattern, text.slice(1)));
  return text !== '' && (pattern[0] === '?' || pattern[0] === text[0]) && reads(pattern.slice(1), text.slice(1));
}
