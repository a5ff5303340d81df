// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nic, policy } from '../../test/fixtures/plan/build-example.ts';
import type { ReportedInterface } from '../plan/interfaces.ts';
import type { ParentEntry } from './rule.ts';
import { warnVlanParent } from './warn-vlan-parent.ts';

/** Returns the warnings about an entry. `undefined` means that a node has no report. */
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
  it('causes a warning with the nodes on which it is a VLAN', () => {
    const reports = { h1: [nic('lan', { kind: 'vlan' })], h2: [nic('lan')], h3: [nic('lan', { kind: 'vlan' })] };
    assert.deepEqual(warningsOf({ parentIface: 'lan', vlan: 100 }, reports), [
      `warn VlanOnVlan ${path} lan on 2 nodes: h1, h3`,
    ]);
  });

  it('causes a separate warning for each code if it is a macvtap on one node and a port on another', () => {
    const reports = { h1: [nic('eth1', { kind: 'macvtap' })], h2: [port], h3: undefined };
    assert.deepEqual(warningsOf({ parentIface: 'eth1', vlan: 100 }, reports), [
      `warn MacvtapOrMacvlan ${path} eth1 on 1 node: h1`,
      `warn Enslaved ${path} eth1 on 1 node: h2`,
    ]);
  });

  it('causes a warning if it has the name of a VLAN, and no node has reported it', () => {
    assert.deepEqual(warningsOf({ parentIface: 'eth1.100', vlan: 100 }, { h1: undefined }), [
      `warn VlanOnVlan ${path} eth1.100, by its name`,
    ]);
    assert.deepEqual(warningsOf({ parentIface: 'eth1.100', vlan: 100 }, { h1: [nic('eth1.100')] }), []);
  });

  it('causes no warning if it can have a VLAN, is in a VRF or unknown, or if the entry has no VLAN', () => {
    const inVrf = nic('eth2', { master: { name: 'red', kind: 'vrf' } });
    const reports = { h1: [bond, port, inVrf] };
    for (const parentIface of ['bond1', 'eth2', 'eth7']) {
      assert.deepEqual(warningsOf({ parentIface, vlan: 100 }, reports), []);
    }
    assert.deepEqual(warningsOf({ parentIface: 'eth1' }, reports), []);
    assert.deepEqual(warningsOf({ nicSelector: { names: ['eth1'] }, vlan: 100 }, reports), []);
  });
});
