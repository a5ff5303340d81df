// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reasonToLeaveOut } from '../../../policy/nodestate/node-state-limits.ts';
import { readInterface } from '../../../policy/plan/interfaces.ts';
import { compileGlob } from '../../../policy/plan/match-nic.ts';
import type { NodePlan } from '../../../policy/plan/node-plan.ts';
import { policy } from '../../../test/fixtures/plan/build-example.ts';
import { buildNodeState } from './build-node-state.ts';
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
  it('are the Ethernet links of the host in natural order, without links of pods', () => {
    assert.equal(namesOf(chooseInterfaces(host, plan, [], undefined)), 'bond0,bond0.7,cni0,eth2,eth10');
  });

  it('include interfaces that a source names, of any kind, and the parents of resources', () => {
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
    assert.equal(namesOf(chooseInterfaces(host, { ...plan, skipped }, [resource.parent], undefined)), expected);
  });

  it('include the interface below a VLAN that does not exist yet', () => {
    const vlan = { lower: 'veth1', id: 100 };
    const place = {
      parent: 'veth1.100',
      vlan,
      mode: 'bridge',
      quantity: 1,
      numaNodes: [],
      needVhostNet: false,
    } as const;
    const resources = [{ source: 'policy', name: 'veth1.100', ...place }] as const;
    assert.ok(namesOf(chooseInterfaces(host, { ...plan, resources }, [], undefined)).includes('veth1'));
  });

  it('include interfaces that implicit exposure would use, even if a policy selects the node', () => {
    const exposure = { linkKinds: ['device', 'veth'], exclude: [compileGlob('veth*')] };
    const more = [...host, nic('lan0', { kind: 'veth' }), nic('mac0', { kind: 'macvlan' })];
    assert.equal(namesOf(chooseInterfaces(more, plan, [], exposure)), 'bond0,bond0.7,cni0,eth2,eth10,lan0');
  });

  it('do not include interfaces that only implicit exposure skipped', () => {
    const skipped = [{ code: 'KindNotExposed', source: 'implicit', interface: 'veth1' }] as const;
    assert.equal(namesOf(chooseInterfaces(host, { ...plan, skipped }, [], undefined)), 'bond0,bond0.7,cni0,eth2,eth10');
  });

  it('are at most a thousand, including those that a source names', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => nic(`eth${index}`));
    const skipped = [{ code: 'Shadowed', source: 'policy', interface: 'eth2999' }] as const;
    const chosen = chooseInterfaces(many, { ...plan, skipped }, [], undefined);
    assert.deepEqual([chosen.length, chosen[0]?.name, chosen.at(-1)?.name], [1_000, 'eth0', 'eth2999']);
  });
});

describe('the report of the largest host', () => {
  it('is within the limits of its readers', () => {
    const altNames = Array.from({ length: 100 }, (_, index) => `alt${index}`);
    const addresses = Array.from({ length: 300 }, (_, index) => `2001:db8::${index}/64`);
    const links = Array.from({ length: 3_000 }, (_, index) => nic(`e${index}`, { altNames, addresses }));
    const resources = links.map(({ name }) => ({
      ...{ source: 'policy', name, parent: name, mode: 'bridge', quantity: 1 },
      ...{ numaNodes: [], needVhostNet: false },
    })) satisfies NodePlan['resources'];
    const skipped = links.map(({ name }) => ({ code: 'Enslaved', source: 'policy', interface: name }) as const);
    const status = buildNodeState({
      node: { name: 'h1', labels: {} },
      plan: { ...plan, resources, skipped, conflicts: skipped },
      served: resources.map((resource) => ({ resource })),
      interfaces: links,
      policies: Array.from({ length: 5_000 }, (_, index) =>
        policy(`p${index}`, { parentSelector: [{ parentIface: 'e0' }] }, { generation: 1 }),
      ),
      pluginVersion: '1.0.0',
    });
    const state = { apiVersion: '', kind: '', metadata: { name: 'h1' }, status };
    assert.equal(reasonToLeaveOut(state), undefined);
    assert.deepEqual([status.interfaces?.length, status.resources?.length], [1_000, 1_000]);
  });
});
