// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readInterface } from '../../policy/plan/interface-facts.ts';
import { compileGlob } from '../../policy/plan/match-glob.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import { chooseInterfaces } from './choose-interfaces.ts';

const plan: NodePlan = { node: 'h1', source: 'policy', resources: [], skipped: [], conflicts: [] };
const nic = (name: string, more = {}) => readInterface({ name, ...more });
const namesOf = (chosen: ReturnType<typeof chooseInterfaces>) => chosen.map(({ name }) => name).join();

const host = [
  nic('lo', { loopback: true, ethernet: false }),
  nic('eth10', { master: { name: 'bond0', kind: 'bond' } }),
  nic('eth2'),
  nic('bond0', { kind: 'bond' }),
  nic('bond0.7', { kind: 'vlan' }),
  nic('cni0', { kind: 'bridge' }),
  nic('veth1', { kind: 'veth' }),
  nic('mvt00ff00ff00ff', { kind: 'macvtap' }),
  nic('tun0', { kind: 'tun', ethernet: false }),
];

describe("the interfaces of a node's state", () => {
  it('are the Ethernet links of the host in the order of a person, without those of pods', () => {
    assert.equal(namesOf(chooseInterfaces(host, plan, [], undefined)), 'bond0,bond0.7,cni0,eth2,eth10');
  });

  it('are also what a source names, whatever its kind, and what resources stand on', () => {
    const skipped = [{ code: 'NotEthernet', source: 'tag', interface: 'tun0' }] as const;
    const resource = {
      source: 'explicit',
      name: 'net',
      parent: 'veth1',
      mode: 'bridge',
      quantity: 1,
      numaNodes: [],
      needVhostNet: false,
    } as const;
    const expected = 'bond0,bond0.7,cni0,eth2,eth10,tun0,veth1';
    assert.equal(namesOf(chooseInterfaces(host, { ...plan, skipped, resources: [resource] }, [], undefined)), expected);
    assert.equal(namesOf(chooseInterfaces(host, { ...plan, skipped }, [{ resource }], undefined)), expected);
  });

  it('are also those of any kind that implicit exposure would take, though a policy is in force', () => {
    const exposure = { linkKinds: ['device', 'veth'], exclude: [compileGlob('veth*')] };
    const more = [...host, nic('lan0', { kind: 'veth' }), nic('mac0', { kind: 'macvlan' })];
    assert.equal(namesOf(chooseInterfaces(more, plan, [], exposure)), 'bond0,bond0.7,cni0,eth2,eth10,lan0');
  });

  it('are not what implicit exposure only passed over', () => {
    const skipped = [{ code: 'KindNotExposed', source: 'implicit', interface: 'veth1' }] as const;
    assert.equal(namesOf(chooseInterfaces(host, { ...plan, skipped }, [], undefined)), 'bond0,bond0.7,cni0,eth2,eth10');
  });

  it('are a thousand at most, the named among them', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => nic(`eth${index}`));
    const skipped = [{ code: 'Shadowed', source: 'policy', interface: 'eth2999' }] as const;
    const chosen = chooseInterfaces(many, { ...plan, skipped }, [], undefined);
    assert.deepEqual([chosen.length, chosen[0]?.name, chosen.at(-1)?.name], [1_000, 'eth0', 'eth2999']);
  });
});
