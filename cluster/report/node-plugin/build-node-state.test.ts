// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readInterface } from '../../../policy/plan/interfaces.ts';
import type { Finding, PlannedResource } from '../../../policy/plan/node-plan.ts';
import { planNode } from '../../../policy/plan/plan-node.ts';
import { reasons } from '../../../policy/reasons.ts';
import { readObject } from '../../objects/read-object.ts';
import { buildNodeState, type NodeStateFacts } from './build-node-state.ts';

const node = { name: 'h1', labels: { zone: 'a' } };
const nic = (name: string, more = {}) => readInterface({ name, ...more });
const resource = (name: string, parent = 'eth0', more: Partial<PlannedResource> = {}): PlannedResource => ({
  source: 'policy',
  policy: 'macvtap-cni/p',
  name,
  parent,
  mode: 'bridge',
  quantity: 100,
  numaNodes: [],
  needVhostNet: false,
  ...more,
});
const facts = (more: Partial<NodeStateFacts> = {}): NodeStateFacts => ({
  node,
  plan: { node: 'h1', source: 'none', resources: [], skipped: [], conflicts: [] },
  served: [],
  interfaces: [],
  policies: [],
  pluginVersion: '0.1.0',
  ...more,
});
const policies = (...specs: readonly object[]) =>
  specs.flatMap((spec, index) => {
    const metadata = { name: `p${index}`, namespace: 'macvtap-cni', generation: index + 1 };
    const object = {
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
      kind: 'MacvtapNetworkNodePolicy',
      metadata,
      spec,
    };
    const known = readObject(object, 'macvtap-cni')?.known;
    return known?.kind === 'MacvtapNetworkNodePolicy' ? [known.value] : [];
  });

describe("a node's state", () => {
  it('has each resource with its health', () => {
    const interfaces = [nic('eth0'), nic('eth1', { up: false, carrier: false }), nic('eth2', { carrier: false })];
    const served = [
      { resource: resource('net10') },
      { resource: resource('net2', 'eth1', { mode: 'passthru', quantity: 1 }), held: 0 },
      { resource: resource('net3', 'eth2') },
      { resource: resource('net4', 'eth9'), fault: 'NothingFound' as const },
      { resource: resource('net5'), fault: 'ParentChanged' as const },
      { resource: resource('net6', 'eth8') },
    ];
    const { resources } = buildNodeState(facts({ interfaces, served }));
    assert.deepEqual(
      resources?.map(({ name, parent, health, code }) => [name, parent, health, code]),
      [
        ['net2', 'eth1', 'Degraded', 'LinkDown'],
        ['net3', 'eth2', 'Degraded', 'NoCarrier'],
        ['net4', 'eth9', 'Unhealthy', 'NothingFound'],
        ['net5', 'eth0', 'Unhealthy', 'ParentChanged'],
        ['net6', 'eth8', 'Unhealthy', 'NothingFound'],
        ['net10', 'eth0', 'Healthy', undefined],
      ],
    );
    assert.deepEqual(resources?.[0], {
      name: 'net2',
      parent: 'eth1',
      mode: 'passthru',
      source: 'policy',
      policy: 'macvtap-cni/p',
      quantity: 1,
      held: 0,
      health: 'Degraded',
      code: 'LinkDown',
    });
  });

  it('includes draining resources, with their interface and number of devices', () => {
    const served = [
      { resource: resource('net', 'eth0', { entry: 1, quantity: 7 }), held: 2, lost: 0 },
      { drains: 'old', parent: 'eth1', mode: 'vepa' as const, held: 3, lost: 1 },
      { drains: 'older', held: 1, lost: 0 },
    ];
    const { resources, interfaces, counts } = buildNodeState(
      facts({ served, interfaces: [nic('eth0'), nic('eth1', { kind: 'macvlan' }), nic('eth2', { kind: 'veth' })] }),
    );
    const drains = { source: 'none', quantity: 0, health: 'Unhealthy', code: 'Draining' };
    const asked = { parent: 'eth0', mode: 'bridge', source: 'policy', policy: 'macvtap-cni/p', entry: 1 };
    assert.deepEqual(resources, [
      { name: 'net', ...asked, quantity: 7, held: 2, health: 'Healthy' },
      { name: 'old', parent: 'eth1', mode: 'vepa', ...drains, held: 3, lost: 1 },
      { name: 'older', ...drains, held: 1 },
    ]);
    assert.deepEqual(
      interfaces?.map(({ name }) => name),
      ['eth0', 'eth1'],
    );
    assert.deepEqual(counts, { resources: 3, devices: 7, held: 6, unhealthy: 2 });
  });

  it('has the former parents of held devices if the resource has moved to another parent', () => {
    const elsewhere = [{ parent: 'veth7', mode: 'vepa', held: 2 }] as const;
    const served = [
      { resource: resource('a'), held: 3, lost: 0, elsewhere },
      { resource: resource('b'), held: 1, lost: 0, elsewhere: [] },
    ];
    const interfaces = [nic('eth0'), nic('veth7', { kind: 'veth' }), nic('veth8', { kind: 'veth' })];
    const state = buildNodeState(facts({ interfaces, served }));
    assert.deepEqual(
      state.resources?.map(({ heldElsewhere }) => heldElsewhere),
      [[...elsewhere], undefined],
    );
    assert.deepEqual(
      state.interfaces?.map(({ name }) => name),
      ['eth0', 'veth7'],
    );
  });

  it('reports lost links after a parent was recreated, unless a worse reason applies', () => {
    const interfaces = [nic('eth0', { carrier: false })];
    const served = [
      { resource: resource('a'), held: 2, lost: 2 },
      { resource: resource('b'), held: 2, lost: 2, fault: 'ParentChanged' as const },
    ];
    const { resources } = buildNodeState(facts({ interfaces, served }));
    assert.deepEqual(
      resources?.map(({ held, lost, health, code }) => [held, lost, health, code]),
      [
        [2, 2, 'Degraded', 'LinksLost'],
        [2, 2, 'Unhealthy', 'ParentChanged'],
      ],
    );
  });

  it('reports released devices whose links are still in sandboxes, unless a worse problem applies', () => {
    const interfaces = [nic('eth0', { carrier: false })];
    const served = [
      { resource: resource('a'), held: 1, stranded: 1 },
      { resource: resource('b'), held: 1, lost: 1, stranded: 1 },
      { resource: resource('c'), stranded: 1, fault: 'ParentChanged' as const },
    ];
    const { resources } = buildNodeState(facts({ interfaces, served }));
    assert.deepEqual(
      resources?.map(({ health, code }) => `${health} ${code}`),
      ['Degraded AttachmentsStranded', 'Degraded LinksLost', 'Unhealthy ParentChanged'],
    );
  });

  it('reports links with a lowered MTU, unless a worse problem exists', () => {
    const interfaces = [nic('eth0'), nic('eth1', { carrier: false })];
    const served = [
      { resource: resource('a'), held: 2, mtuLowered: 1 },
      { resource: resource('b', 'eth1'), held: 1, mtuLowered: 1 },
      { resource: resource('c'), held: 1, mtuLowered: 0 },
    ];
    const { resources } = buildNodeState(facts({ interfaces, served }));
    assert.deepEqual(
      resources?.map(({ mtuLowered, health, code }) => [mtuLowered, health, code]),
      [
        [1, 'Degraded', 'MtuLowered'],
        [1, 'Degraded', 'NoCarrier'],
        [undefined, 'Healthy', undefined],
      ],
    );
  });

  it('reports a kernel without macvtap for the node and for each resource', () => {
    const served = [
      { resource: resource('a') },
      { resource: resource('b'), fault: 'UpstreamPluginRunning' as const },
      { drains: 'c', held: 1 },
    ];
    const { resources, troubles } = buildNodeState(
      facts({ interfaces: [nic('eth0')], served, troubles: ['MacvtapUnsupported'] }),
    );
    assert.deepEqual(
      resources?.map(({ health, code }) => [health, code]),
      [
        ['Unhealthy', 'MacvtapUnsupported'],
        ['Unhealthy', 'UpstreamPluginRunning'],
        ['Unhealthy', 'Draining'],
      ],
    );
    assert.deepEqual(troubles, [{ code: 'MacvtapUnsupported', message: reasons.MacvtapUnsupported }]);
  });

  it('reports an invalid explicit configuration for the node, without changing the health of resources', () => {
    const served = [{ resource: resource('a') }];
    const given = { interfaces: [nic('eth0')], served, explicitTrouble: `line 1: ${'x'.repeat(2_000)}` };
    const { resources, troubles } = buildNodeState(facts(given));
    assert.equal(resources?.[0]?.health, 'Healthy');
    assert.deepEqual(troubles, [{ code: 'ExplicitInvalid', message: given.explicitTrouble.slice(0, 1_024) }]);
  });

  it('has the troubles of VLANs, and resources without a VLAN stay Healthy', () => {
    const ownTroubles = [{ code: 'VlanFailed', message: 'x'.repeat(2_000) }] as const;
    const served = [{ resource: resource('other') }];
    const { resources, troubles } = buildNodeState(facts({ interfaces: [nic('eth0')], served, ownTroubles }));
    assert.deepEqual(troubles, [{ code: 'VlanFailed', message: 'x'.repeat(1_024) }]);
    assert.deepEqual(
      resources?.map(({ health }) => health),
      ['Healthy'],
    );
  });

  it('has the generations of exactly the policies that select the node', () => {
    const entry = { parentSelector: [{ parentIface: 'eth0', mode: 'bridge' }] };
    const known = policies(entry, { ...entry, nodeSelector: { matchLabels: { zone: 'b' } } }, entry);
    assert.deepEqual(buildNodeState(facts({ policies: known.toReversed() })).observedPolicies, [
      { name: 'macvtap-cni/p0', generation: 1 },
      { name: 'macvtap-cni/p2', generation: 3 },
    ]);
  });

  it('has each finding once, named by its source and interface or resource, with a code and a message', () => {
    const finding: Finding = { code: 'NothingFound', source: 'policy', policy: 'macvtap-cni/p', entry: 2 };
    const plan = {
      ...facts().plan,
      skipped: [
        { ...finding, interface: 'eth0', code: 'Enslaved', by: 'bond0' },
        finding,
        { ...finding, code: 'Shadowed' },
        { ...finding, code: 'Shadowed', by: 'again' },
        { code: 'Loopback', source: 'implicit', interface: 'lo' },
      ],
      conflicts: [{ ...finding, code: 'ResourceNameTaken', resource: 'net', by: 'macvtap-cni/a' }],
    } as const;
    const { skipped, conflicts } = buildNodeState(facts({ plan }));
    assert.deepEqual(
      skipped?.map(({ name, code }) => [name, code]),
      [
        ['macvtap-cni/p[2]', 'NothingFound'],
        ['macvtap-cni/p[2] Shadowed', 'Shadowed'],
        ['macvtap-cni/p[2] eth0', 'Enslaved'],
      ],
    );
    assert.match(skipped?.[2]?.message ?? '', /master: bond0/);
    assert.deepEqual(
      conflicts?.map(({ message: _, ...conflict }) => conflict),
      [
        {
          name: 'macvtap-cni/p[2] net',
          policy: 'macvtap-cni/p',
          entry: 2,
          by: 'macvtap-cni/a',
          code: 'ResourceNameTaken',
        },
      ],
    );
  });

  it('has one item for all interfaces that an entry skips for the same reason', () => {
    const entry = { source: 'policy', policy: 'macvtap-cni/p', entry: 0 } as const;
    const shadowed = (name: string, by = 'eth0') =>
      ({ ...entry, code: 'Shadowed', interface: name, resource: 'net', by }) as const;
    const plan = {
      ...facts().plan,
      skipped: [
        ...['eth10', 'eth2', 'eth3', 'eth2'].map((name) => shadowed(name)),
        shadowed('eth10', 'eth1'),
        shadowed('eth4', 'eth1'),
        { ...entry, entry: 1, code: 'Shadowed', interface: 'eth2', resource: 'net', by: 'eth0' },
        { ...entry, code: 'NothingFound', resource: 'eth5' },
        { ...entry, code: 'NothingFound', resource: 'eth6' },
        ...['a', 'b'].map((name) => ({ ...entry, code: 'NotEthernet', interface: name, resource: name }) as const),
      ],
    } as const;
    const { skipped = [] } = buildNodeState(facts({ plan }));
    assert.deepEqual(
      skipped.map(({ name, message }) => [name, message?.replace(/: .*/, '')]),
      [
        ['macvtap-cni/p[0] a', 'macvtap-cni/p[0] a, b'],
        ['macvtap-cni/p[0] eth10', 'macvtap-cni/p[0] eth2, eth3, eth10 as net'],
        ['macvtap-cni/p[0] eth4', 'macvtap-cni/p[0] eth4, eth10 as net'],
        ['macvtap-cni/p[0] eth5', 'macvtap-cni/p[0] eth5'],
        ['macvtap-cni/p[0] eth6', 'macvtap-cni/p[0] eth6'],
        ['macvtap-cni/p[1] eth2', 'macvtap-cni/p[1] eth2 as net'],
      ],
    );
    const { skipped: [many] = [] } = buildNodeState(
      facts({ plan: { ...plan, skipped: Array.from({ length: 5_000 }, (_, index) => shadowed(`eth${index}`)) } }),
    );
    const shown = 'eth0, eth1, eth2, eth3, eth4, eth5, eth6, eth7 and 4992 more as net';
    assert.equal(many?.message, `macvtap-cni/p[0] ${shown}: ${reasons.Shadowed} (first: eth0)`);
  });

  it('is equal for equal facts in any order, and matches the schema for any interfaces', () => {
    const anyName = fc.string({ minLength: 1, maxLength: 15, unit: fc.constantFrom(...'abz09.-_@é') });
    const anyNic = fc.record(
      {
        name: anyName,
        kind: fc.constantFrom('device', 'bond', 'vlan', 'veth', 'macvtap', 'dummy'),
        ethernet: fc.boolean(),
        loopback: fc.boolean(),
        up: fc.boolean(),
        carrier: fc.boolean(),
        altNames: fc.uniqueArray(anyName, { maxLength: 80 }),
        addresses: fc.uniqueArray(fc.ipV4(), { maxLength: 3 }),
      },
      { requiredKeys: ['name'] },
    );
    const known = policies(
      {
        parentSelector: [
          { nicSelector: { names: ['a*'] }, mode: 'vepa' },
          { parentIface: 'b', mode: 'bridge' },
        ],
      },
      { parentSelector: [{ nicSelector: { names: ['*'] }, mode: 'bridge' }], priority: 3 },
    );
    const wants = [known, []].map((some) => ({
      policies: some,
      explicit: undefined,
      implicit: { linkKinds: ['device', 'bond'], exclude: [] },
    }));
    fc.assert(
      fc.property(
        fc.uniqueArray(anyNic, { selector: ({ name }) => name, maxLength: 12 }),
        fc.constantFrom(...wants),
        (reported, wanted) => {
          const build = (nics: readonly object[]) => {
            const interfaces = nics.map((one) => readInterface(one as { name: string }));
            const plan = planNode(node, interfaces, wanted);
            const drains = { drains: 'old', held: 1, lost: 1, ...(interfaces[0] && { parent: 'a' }) };
            const served = [...plan.resources.map((planned) => ({ resource: planned, held: 2, lost: 1 })), drains];
            return buildNodeState(
              facts({ plan, served, interfaces, policies: wanted.policies, troubles: ['MacvtapUnsupported'] }),
            );
          };
          const status = build(reported);
          assert.deepEqual(build(reported.toReversed()), status);
          const head = { apiVersion: 'macvtap.network.kubevirt.io/v1alpha1', kind: 'MacvtapNetworkNodeState' };
          const read = readObject({ ...head, metadata: { name: 'h1' }, status }, 'macvtap-cni');
          assert.deepEqual(read?.faults ?? [], []);
        },
      ),
    );
  });
});
