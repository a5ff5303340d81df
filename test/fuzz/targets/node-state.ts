// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { isApiObject } from '../../../cluster/api/api-resource.ts';
import { watchedKinds } from '../../../cluster/api/watched-kinds.ts';
import { schemaFaults } from '../../../cluster/objects/schema-faults.ts';
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import { collectOffers } from '../../../policy/offers/offers-index.ts';
import { readInterface } from '../../../policy/plan/interfaces.ts';
import { planNode } from '../../../policy/plan/plan-node.ts';
import { createStatusIndex } from '../../../policy/status/status-index.ts';
import { jsonOf, type Target } from '../target.ts';
import { nodes, policies, policyNamespace, offers as written } from './stage.ts';

const nic = (name: string, more: object = {}) => ({
  name,
  ethernet: true,
  up: true,
  carrier: true,
  mtu: 1500,
  ...more,
});
const state = {
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodeState',
  metadata: { name: 'h1' },
  status: {
    pluginVersion: '0.1.0',
    source: 'policy',
    interfaces: [
      nic('bond1', { ifindex: 2, kind: 'bond', altNames: ['uplink'], numaNode: 0 }),
      nic('eth2', { ifindex: 3, master: { name: 'bond1', kind: 'bond' }, macAddress: '52:54:00:00:00:01' }),
      nic('eth2.7', { ifindex: 4, kind: 'vlan', lowerIfindex: 3, addresses: ['10.0.0.1/24'], defaultRoute: true }),
      nic('eth3', { ifindex: 5, lowerIfindex: 4, pciAddress: '0000:01:00.0', driver: 'virtio_net', numaNode: 0 }),
    ],
    resources: [
      {
        name: 'dataplane',
        source: 'policy',
        policy: `${policyNamespace}/bond`,
        entry: 0,
        parent: 'bond1',
        mode: 'private',
        quantity: 100,
        healthy: 100,
        held: 1,
      },
      {
        name: 'eth3',
        source: 'policy',
        policy: `${policyNamespace}/whole`,
        entry: 0,
        parent: 'eth3',
        mode: 'passthru',
        quantity: 1,
        healthy: 1,
        held: 0,
      },
    ],
    conflicts: [
      { code: 'ConflictLost', source: 'policy', policy: `${policyNamespace}/closed`, name: 'other', by: 'x' },
    ],
    skipped: [{ code: 'Enslaved', source: 'policy', policy: `${policyNamespace}/globs`, name: 'eth2', by: 'bond1' }],
    observedPolicies: [{ name: `${policyNamespace}/bond`, generation: 1 }],
  },
};
const [kind] = watchedKinds({ policyNamespace }).filter((watched) => watched.kind === 'MacvtapNetworkNodeState');

export const nodeStateTargets: readonly Target[] = [
  {
    name: 'node-state',
    invariant:
      'A state that the API server accepts is read into offers, a plan and counts without an error, and removes no policy.',
    shape: 'json',
    seeds: [JSON.stringify(state)],
    words: [
      'lowerIfindex',
      'ifindex',
      'altNames',
      'numaNode',
      'eth1',
      'bond1',
      'passthru',
      'Draining',
      'none',
      'implicit',
      'tag',
      'policy',
    ],
    run(input) {
      const object = jsonOf(input);
      if (!isApiObject(object)) return;
      const trimmed = kind?.trim(object) as unknown as MacvtapNetworkNodeState;
      if (schemaFaults('MacvtapNetworkNodeState', trimmed).length > 0) return;
      const nodeStates = new Map([['h1', trimmed]]);
      const offers = collectOffers({ policies, nodes, nodeStates, explicit: undefined });
      for (const { id } of policies) assert.equal(offers.policy(id), written.policy(id));
      for (const resource of offers.resources) assert.ok(offers.ofResource(resource).length > 0);
      const facts = (trimmed.status?.interfaces ?? []).map(readInterface);
      planNode({ name: 'h1', labels: {} }, facts, { policies, explicit: undefined, implicit: undefined });
      const index = createStatusIndex();
      const given = { policies: new Map(policies.map((policy) => [policy.id, policy])), nodes, nodeStates };
      for (const _ of index.follow(given));
      for (const { id } of policies) assert.ok(index.tallyOf(id) !== undefined);
    },
  },
];
