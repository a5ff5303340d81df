// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brief, entries, nic, plan, policy, told } from '../../test/fixtures/plan/build-example.ts';

const slots = ['ens10', 'ens2', 'ens1'].map((name) => nic(name));

describe('the node-centric form', () => {
  it('creates a resource for every entry that finds an interface', () => {
    const policies = [
      entries({ parentIface: 'ens1', resourceName: 'a' }, { parentIface: 'ens2', mode: 'vepa', resourceName: 'b' }),
    ];
    assert.deepEqual(brief(plan({ interfaces: slots, policies })), ['a=ens1/bridge/100', 'b=ens2/vepa/100']);
  });

  it('reports an entry that finds nothing, with the name in the entry', () => {
    const policies = [entries({ parentIface: 'eth2' }, { nicSelector: { names: ['wlp*'] } })];
    const { resources, skipped } = plan({ interfaces: slots, policies });
    assert.deepEqual(resources, []);
    assert.deepEqual(skipped, [
      { code: 'NothingFound', source: 'policy', policy: 'macvtap-cni/p', entry: 0, interface: 'eth2' },
      { code: 'NothingFound', source: 'policy', policy: 'macvtap-cni/p', entry: 1 },
    ]);
  });

  it('assigns a repeated resource name to the first entry that finds an interface', () => {
    const bondOrEth1 = entries(
      { parentIface: 'bond1', resourceName: 'data', mode: 'private' },
      { parentIface: 'eth1', resourceName: 'data' },
    );
    const onlyEth1 = plan({ interfaces: [nic('eth1')], policies: [bondOrEth1] });
    assert.deepEqual(brief(onlyEth1), ['data=eth1/bridge/100']);
    assert.deepEqual(told(onlyEth1.skipped), ['NothingFound bond1']);

    const both = plan({ interfaces: [nic('eth1'), nic('bond1', { kind: 'bond' })], policies: [bondOrEth1] });
    assert.deepEqual(brief(both), ['data=bond1/private/100']);
    assert.deepEqual(both.skipped, [
      {
        code: 'Shadowed',
        source: 'policy',
        policy: 'macvtap-cni/p',
        entry: 1,
        interface: 'eth1',
        resource: 'data',
        by: 'bond1',
      },
    ]);
  });

  it('uses the next entry with the same resource name if an interface is unsuitable', () => {
    const interfaces = [nic('eth0', { master: { name: 'br0', kind: 'bridge' } }), nic('eth1')];
    const policies = [entries({ parentIface: 'eth0', resourceName: 'd' }, { parentIface: 'eth1', resourceName: 'd' })];
    const { skipped, ...answer } = plan({ interfaces, policies });
    assert.deepEqual(brief({ skipped, ...answer }), ['d=eth1/bridge/100']);
    assert.deepEqual(told(skipped), ['Enslaved eth0']);
  });

  it('finds an interface by altname and names the resource after the interface', () => {
    const interfaces = [nic('eth0', { altNames: ['enp59s0f0'] })];
    assert.deepEqual(brief(plan({ interfaces, policies: [entries({ parentIface: 'enp59s0f0' })] })), [
      'eth0=eth0/bridge/100',
    ]);
  });

  it('prefers an interface with the name to an interface with the altname', () => {
    const interfaces = [nic('eth0', { altNames: ['eth9'] }), nic('eth9')];
    assert.deepEqual(brief(plan({ interfaces, policies: [entries({ parentIface: 'eth9' })] })), [
      'eth9=eth9/bridge/100',
    ]);
  });
});

describe('an entry that finds several interfaces', () => {
  it('with a resource name uses the first interface in natural order, and reports the others as Shadowed', () => {
    const policies = [entries({ nicSelector: { names: ['ens*'] }, resourceName: 'data' })];
    const answer = plan({ interfaces: slots, policies });
    assert.deepEqual(brief(answer), ['data=ens1/bridge/100']);
    assert.deepEqual(told(answer.skipped), ['Shadowed ens2', 'Shadowed ens10']);
    assert.deepEqual(new Set(answer.skipped.map(({ by }) => by)), new Set(['ens1']));
  });

  it('without a resource name creates a resource for each interface', () => {
    const policies = [entries({ nicSelector: { names: ['ens*'] }, quantity: 7 })];
    const answer = plan({ interfaces: slots, policies });
    assert.deepEqual(brief(answer), ['ens1=ens1/bridge/7', 'ens2=ens2/bridge/7', 'ens10=ens10/bridge/7']);
    assert.deepEqual(answer.skipped, []);
  });

  it('ignores unsuitable interfaces', () => {
    const interfaces = [nic('ens1', { ethernet: false }), nic('ens2')];
    const policies = [entries({ nicSelector: { names: ['ens*'] }, resourceName: 'data' })];
    const answer = plan({ interfaces, policies });
    assert.deepEqual(brief(answer), ['data=ens2/bridge/100']);
    assert.deepEqual(told(answer.skipped), ['NotEthernet ens1']);
  });
});

describe('the resource-centric form', () => {
  const dataplane = policy('p', {
    parentSelector: [{ parentIface: 'bond1', mode: 'private', quantity: 25 }, { nicSelector: { names: ['ens*'] } }],
    resourceName: 'dataplane',
  });

  it('exposes one resource on the first entry, in list order, that finds an interface', () => {
    const withBond = plan({ interfaces: [nic('bond1', { kind: 'bond' }), ...slots], policies: [dataplane] });
    assert.deepEqual(brief(withBond), ['dataplane=bond1/private/25']);
    assert.deepEqual(told(withBond.skipped), ['Shadowed ens1', 'Shadowed ens2', 'Shadowed ens10']);
    const without = plan({ interfaces: slots, policies: [dataplane] });
    assert.deepEqual(brief(without), ['dataplane=ens1/bridge/100']);
    assert.deepEqual(told(without.skipped), ['NothingFound bond1', 'Shadowed ens2', 'Shadowed ens10']);
  });

  it('allows an interface whose name is not a legal resource name', () => {
    const policies = [policy('p', { parentSelector: [{ parentIface: 'é%"' }], resourceName: 'odd' })];
    assert.deepEqual(brief(plan({ interfaces: [nic('é%"')], policies })), ['odd=é%"/bridge/100']);
  });
});

describe('the settings of an entry', () => {
  it('have the defaults of the schema, and one device in passthru mode', () => {
    const policies = [
      entries({ parentIface: 'ens1' }, { parentIface: 'ens2', mode: 'passthru' }, { parentIface: 'ens10' }),
    ];
    const { resources } = plan({ interfaces: slots, policies });
    assert.deepEqual(brief({ resources } as never), [
      'ens1=ens1/bridge/100',
      'ens2=ens2/passthru/1',
      'ens10=ens10/bridge/100',
    ]);
    assert.deepEqual(
      resources.map(({ needVhostNet, numaNodes }) => ({ needVhostNet, numaNodes })),
      Array(3).fill({ needVhostNet: false, numaNodes: [] }),
    );
  });

  it('are copied to the resource', () => {
    const policies = [
      entries({ parentIface: 'eth0', needVhostNet: true }, { parentIface: 'eth1', excludeTopology: true }),
    ];
    const interfaces = [nic('eth0', { numaNode: 1 }), nic('eth1', { numaNode: 1 })];
    assert.deepEqual(
      plan({ interfaces, policies }).resources.map(({ name, needVhostNet, numaNodes, policy, entry }) => ({
        name,
        needVhostNet,
        numaNodes,
        policy,
        entry,
      })),
      [
        { name: 'eth0', needVhostNet: true, numaNodes: [1], policy: 'macvtap-cni/p', entry: 0 },
        { name: 'eth1', needVhostNet: false, numaNodes: [], policy: 'macvtap-cni/p', entry: 1 },
      ],
    );
  });

  it('include the effect of a lost carrier, unless it is the default', () => {
    const parentSelector = [{ parentIface: 'eth0' }];
    for (const [fields, carrierLoss] of [
      [{}, undefined],
      [{ onCarrierLoss: 'NoSchedule' }, undefined],
      [{ onCarrierLoss: 'Ignore' }, { action: 'Ignore', graceMs: 30_000 }],
      [
        { onCarrierLoss: 'Evict', carrierLossGracePeriod: '5m' },
        { action: 'Evict', graceMs: 300_000 },
      ],
    ] as const) {
      const { resources } = plan({
        interfaces: [nic('eth0')],
        policies: [policy('p', { parentSelector, ...fields })],
      });
      assert.deepEqual(
        resources.map((resource) => resource.carrierLoss),
        [carrierLoss],
      );
    }
  });

  it('let passthru use an interface with addresses only if allowHostInterface is true', () => {
    const interfaces = [nic('eth0', { addresses: ['192.0.2.1/24'] })];
    const refused = plan({ interfaces, policies: [entries({ parentIface: 'eth0', mode: 'passthru' })] });
    assert.deepEqual([brief(refused), told(refused.skipped)], [[], ['CarriesNodeTraffic eth0']]);
    const allowed = entries({ parentIface: 'eth0', mode: 'passthru', allowHostInterface: true });
    assert.deepEqual(brief(plan({ interfaces, policies: [allowed] })), ['eth0=eth0/passthru/1']);
  });
});

describe('a policy with errors', () => {
  const faulty = policy('p', { parentSelector: [{ nicSelector: { names: ['ens['] } }] });

  it('exposes nothing, and its nodes do not use the next source', () => {
    const answer = plan({ interfaces: slots, policies: [faulty] });
    assert.equal(answer.source, 'policy');
    assert.deepEqual(answer.resources, []);
    assert.deepEqual(
      answer.skipped.map(({ code, policy, value }) => ({ code, policy, value })),
      [
        {
          code: 'PolicyInvalid',
          policy: 'macvtap-cni/p',
          value: 'spec.parentSelector[0].nicSelector.names[0]: BadGlob',
        },
      ],
    );
  });

  it('does not affect the resources of a valid policy', () => {
    const sound = policy('q', { parentSelector: [{ parentIface: 'ens1' }] });
    assert.deepEqual(brief(plan({ interfaces: slots, policies: [faulty, sound] })), ['ens1=ens1/bridge/100']);
  });
});
