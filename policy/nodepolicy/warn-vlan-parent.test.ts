// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nic, policy } from '../../test/fixtures/plan/build-example.ts';
import type { ReportedInterface } from '../plan/interfaces.ts';
import type { ParentEntry } from './rule.ts';
import { warnVlanParent } from './warn-vlan-parent.ts';

/** Returns the warnings about an entry. For a node without a report, pass undefined. */
function warningsOf(
  entry: ParentEntry,
  reports: Readonly<Record<string, readonly ReportedInterface[] | undefined>>,
): readonly string[] {
  const nodes = new Map(Object.keys(reports).map((name) => [name, { name, labels: {} }]));
  const findInterface = (node: string, name: string) => reports[node]?.find((one) => one.name === name);
  const context = { others: [], nodes, findInterface };
  return warnVlanParent(policy('p', { parentSelector: [entry] }), context).map(
    ({ severity, code, path, detail }) => `${severity} ${code} ${path} ${detail}`,
  );
}

const path = 'spec.parentSelector[0].parentIface';
const bond = nic('bond1', { kind: 'bond' });
const port = nic('eth1', { master: { name: 'bond1', kind: 'bond' } });

describe('the interface of an entry with a VLAN', () => {
  it('is a VLAN on some nodes: the warning names those', () => {
    const reports = { h1: [nic('lan', { kind: 'vlan' })], h2: [nic('lan')], h3: [nic('lan', { kind: 'vlan' })] };
    assert.deepEqual(warningsOf({ parentIface: 'lan', vlan: 100 }, reports), [
      `warn VlanOnVlan ${path} lan on 2 nodes: h1, h3`,
    ]);
  });

  it('is a macvtap on one node and enslaved on another: each has a warning', () => {
    const reports = { h1: [nic('eth1', { kind: 'macvtap' })], h2: [port], h3: undefined };
    assert.deepEqual(warningsOf({ parentIface: 'eth1', vlan: 100 }, reports), [
      `warn MacvtapOrMacvlan ${path} eth1 on 1 node: h1`,
      `warn Enslaved ${path} eth1 on 1 node: h2`,
    ]);
  });

  it('has the name of a VLAN, and no node has reported it', () => {
    assert.deepEqual(warningsOf({ parentIface: 'eth1.100', vlan: 100 }, { h1: undefined }), [
      `warn VlanOnVlan ${path} eth1.100, by its name`,
    ]);
    assert.deepEqual(warningsOf({ parentIface: 'eth1.100', vlan: 100 }, { h1: [nic('eth1.100')] }), []);
  });

  it('has no warning if it can have a VLAN, is in a VRF or unknown, or if the entry has none', () => {
    const inVrf = nic('eth2', { master: { name: 'red', kind: 'vrf' } });
    const reports = { h1: [bond, port, inVrf] };
    for (const parentIface of ['bond1', 'eth2', 'eth7']) {
      assert.deepEqual(warningsOf({ parentIface, vlan: 100 }, reports), []);
    }
    assert.deepEqual(warningsOf({ parentIface: 'eth1' }, reports), []);
    assert.deepEqual(warningsOf({ nicSelector: { names: ['eth1'] }, vlan: 100 }, reports), []);
  });
});
