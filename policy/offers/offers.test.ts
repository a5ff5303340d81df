// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  briefOffers,
  named,
  nodeState,
  offersOf,
  type ReportedLink,
  type ReportedResource,
  reported,
} from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';

const links: readonly ReportedLink[] = [
  { name: 'bond1', mtu: 9000 },
  { name: 'eth0', altNames: ['lan'] },
  { name: 'eth1', mtu: 1400, driver: 'ixgbe' },
];

describe('offers', () => {
  it('contain the resources that policies name, before any node exposes them', () => {
    const offers = offersOf({
      policies: [
        named('a', { parentIface: 'bond1', mode: 'private', quantity: 25, resourceName: 'dataplane' }),
        named('b', { parentIface: 'eth1', mode: 'passthru' }),
      ],
    });
    assert.deepEqual(offers.resources, ['dataplane', 'eth1']);
    assert.deepEqual(offers.ofResource('dataplane'), [
      {
        resource: 'dataplane',
        source: 'policy',
        policy: 'macvtap-cni/a',
        mode: 'private',
        parents: ['bond1'],
        quantity: 25,
        nodes: 0,
      },
    ]);
    assert.deepEqual(briefOffers(offers.ofParent('eth1')), ['eth1 macvtap-cni/b passthru on eth1 1x0']);
    assert.deepEqual(briefOffers(offers.fromPolicies), [
      'dataplane macvtap-cni/a private on bond1 25x0',
      'eth1 macvtap-cni/b passthru on eth1 1x0',
    ]);
  });

  it('are merged only if entries of one policy have the same resource and mode', () => {
    const entries = [
      { parentIface: 'eth10', quantity: 5 },
      { parentIface: 'eth2', quantity: 7 },
      { parentIface: 'eth2', mode: 'vepa' },
      { nicSelector: { names: ['ens*'] } },
    ] as const;
    const offers = offersOf({ policies: [policy('p', { resourceName: 'data', parentSelector: entries })] });
    assert.deepEqual(briefOffers(offers.ofResource('data')), [
      'data macvtap-cni/p bridge on eth2,eth10 100x0',
      'data macvtap-cni/p vepa on eth2 100x0',
    ]);
  });

  it('contain no names for a selector while no node reports a matching interface, and no illegal names', () => {
    const selects = named('p', { nicSelector: { names: ['ens*'] } }, { parentIface: 'é@1' });
    assert.deepEqual(offersOf({ policies: [selects] }).resources, []);
    const odd = nodeState([], [{ name: 'é@2', altNames: ['odd', 'é@1'] }]);
    assert.deepEqual(
      offersOf({ policies: [selects, named('q', { parentIface: 'odd' })], states: { odd } }).resources,
      [],
    );
  });

  it('contain nothing from invalid policies or other namespaces, even if a node still reports their resources', () => {
    const faulty = named('faulty', { parentIface: 'eth0', mode: 'passthru', quantity: 2 });
    const stranger = policy('stranger', { parentSelector: [{ parentIface: 'eth1' }] }, { namespace: 'tenant' });
    const old = [
      reported('eth0', 'eth0', { policy: faulty.id }),
      reported('eth1', 'eth1', { policy: stranger.id }),
      reported('eth2', 'eth2', { policy: 'macvtap-cni/deleted' }),
    ];
    const offers = offersOf({ policies: [faulty, stranger], states: { h1: state(old) } });
    assert.deepEqual(offers.resources, []);
    assert.deepEqual(
      [faulty, stranger].map(({ id }) => offers.policy(id)),
      [undefined, undefined],
    );
  });

  it('return a valid policy by its ID', () => {
    const a = named('a', { parentIface: 'eth0' });
    assert.equal(offersOf({ policies: [a] }).policy('macvtap-cni/a'), a);
  });

  it('contain the last entry for each name in the explicit configuration, with the quantity limited as on a node', () => {
    const explicit = JSON.stringify([
      { name: 'data', lowerDevice: 'eth0', mode: 'vepa' },
      { name: 'data', lowerDevice: 'eth1', mode: 'passthru', capacity: 50 },
      { name: 'many', lowerDevice: 'eth1', capacity: 5_000 },
      { name: 'no/name', lowerDevice: 'eth1' },
      { name: 'odd', lowerDevice: 'eth1' },
      { name: 'odd', lowerDevice: 'eth1', mode: 'bridged' },
    ]);
    const offers = offersOf({ explicit });
    assert.deepEqual(
      offers.resources.flatMap((name) => briefOffers(offers.ofResource(name))),
      ['data explicit passthru on eth1 1x0', 'many explicit bridge on eth1 4096x0'],
    );
    assert.deepEqual(offersOf({ explicit: '[' }).resources, []);
  });

  it('have the number of nodes, the parents, the highest quantity and the smallest MTU', () => {
    const policies = [
      named('p', { parentIface: 'bond1', resourceName: 'data' }, { parentIface: 'eth1', resourceName: 'data' }),
    ];
    const data = (parent: string, quantity: number) =>
      state([reported('data', parent, { policy: 'macvtap-cni/p', quantity })]);
    const offers = offersOf({
      policies,
      states: { h1: data('bond1', 5), h2: data('eth1', 70), h3: data('eth1', 5) },
    });
    assert.deepEqual(briefOffers(offers.ofResource('data')), ['data macvtap-cni/p bridge on bond1,eth1 70x3 mtu 1400']);
    const alone = offersOf({ policies, states: { h1: data('bond1', 5) } });
    assert.deepEqual(briefOffers(alone.ofResource('data')), ['data macvtap-cni/p bridge on bond1 5x1 mtu 9000']);
    assert.deepEqual(alone.ofParent('eth1'), []);
  });

  it("have the schema's MTU if a state has none, and no MTU if the parent is not reported", () => {
    const states = {
      h1: state([reported('eth0', 'eth0', { source: 'implicit' }), reported('gone', 'gone', { source: 'implicit' })]),
    };
    const offers = offersOf({ states });
    assert.equal(offers.ofResource('eth0')[0]?.mtu, 1500);
    assert.deepEqual(briefOffers(offers.ofResource('gone')), ['gone implicit bridge on gone 10x1']);
  });

  it('have tags and implicit exposure only from node states, next to a policy of the same name', () => {
    const policies = [named('p', { parentIface: 'eth0' })];
    const states = {
      h1: state([reported('eth0', 'eth0', { policy: 'macvtap-cni/p' })]),
      h2: state([reported('eth0', 'eth0', { source: 'implicit' })]),
      h3: state([reported('eth0', 'eth0', { source: 'tag', mode: 'vepa' })]),
      h4: state([reported('eth0', 'eth0', { source: 'explicit' })]),
    };
    const explicit = '[{"name":"eth0","lowerDevice":"lan","mode":"private"}]';
    assert.deepEqual(briefOffers(offersOf({ policies, states, explicit }).ofResource('eth0')), [
      'eth0 macvtap-cni/p bridge on eth0 10x1 mtu 1500',
      'eth0 explicit private on eth0 10x1 mtu 1500',
      'eth0 tag vepa on eth0 10x1 mtu 1500',
      'eth0 implicit bridge on eth0 10x1 mtu 1500',
    ]);
  });

  it('ignore the states of deleted nodes, and states without a status', () => {
    const states = { h1: state([reported('eth0', 'eth0', { source: 'implicit' })]), h2: { ...state([]), status: {} } };
    const { status: _, ...bare } = state([]);
    assert.deepEqual(offersOf({ states: { ...states, h3: bare }, nodes: ['h2', 'h3'] }).resources, []);
  });

  it('have the current mode of an edited policy, even if nodes still report the old mode', () => {
    const states = { h1: state([reported('data', 'eth0', { policy: 'macvtap-cni/p', mode: 'vepa' })]) };
    const edited = named('p', { parentIface: 'eth0', mode: 'private', resourceName: 'data' });
    assert.deepEqual(briefOffers(offersOf({ policies: [edited], states }).ofResource('data')), [
      'data macvtap-cni/p private on eth0 10x1 mtu 1500',
    ]);
  });

  it('count a node for the entry that matches its parent by name, altname or selector', () => {
    const entry = (parent: ParentEntry, mode: 'private' | 'vepa' | 'bridge') => ({
      ...parent,
      mode,
      resourceName: 'data',
    });
    const policies = [
      named(
        'p',
        entry({ parentIface: 'wan' }, 'bridge'),
        entry({ parentIface: 'lan' }, 'private'),
        entry({ nicSelector: { drivers: ['ixgbe'] } }, 'vepa'),
      ),
    ];
    const on = (parent: string) => state([reported('data', parent, { policy: 'macvtap-cni/p' })]);
    const offers = offersOf({ policies, states: { h1: on('eth0'), h2: on('eth1'), h3: on('bond1'), h4: on('gone') } });
    assert.deepEqual(briefOffers(offers.ofResource('data')), [
      'data macvtap-cni/p bridge on wan 100x0',
      'data macvtap-cni/p private on eth0 10x1 mtu 1500',
      'data macvtap-cni/p vepa on eth1 10x1 mtu 1400',
    ]);
  });

  it('count a node for the entry that it reports, if several entries match the interface', () => {
    const policies = [
      named('p', { nicSelector: { names: ['eth*'] }, mode: 'passthru' }, { nicSelector: { names: ['eth*'] } }),
    ];
    const uplink = (entry: number) =>
      offersOf({
        policies,
        states: {
          h1: nodeState(
            [reported('eth0', 'eth0', { policy: 'macvtap-cni/p', entry })],
            [{ name: 'eth0', defaultRoute: true }],
          ),
        },
      });
    assert.deepEqual(briefOffers(uplink(1).ofResource('eth0')), ['eth0 macvtap-cni/p bridge on eth0 10x1 mtu 1500']);
    // The policy was edited and no longer has the reported entry 2. The other entries declare the same resource.
    assert.deepEqual(briefOffers(uplink(2).ofResource('eth0')), [
      'eth0 macvtap-cni/p bridge on eth0 100x0',
      'eth0 macvtap-cni/p passthru on eth0 10x1 mtu 1500',
    ]);
  });

  it('ignore reported resources whose policy or explicit configuration no longer uses that parent', () => {
    const policies = [named('p', { parentIface: 'eth1' }, { parentIface: 'eth1', resourceName: 'data' })];
    const states = {
      h1: state([
        reported('eth0', 'eth0', { policy: 'macvtap-cni/p' }),
        reported('data', 'eth0', { policy: 'macvtap-cni/p' }),
        reported('old', 'eth0', { source: 'explicit' }),
        reported('moved', 'eth0', { source: 'explicit' }),
      ]),
    };
    const offers = offersOf({ policies, states, explicit: '[{"name":"moved","lowerDevice":"eth1"}]' });
    assert.deepEqual(
      offers.resources.flatMap((name) => briefOffers(offers.ofResource(name))),
      [
        'data macvtap-cni/p bridge on eth1 100x0',
        'eth1 macvtap-cni/p bridge on eth1 100x0',
        'moved explicit bridge on eth1 100x0',
      ],
    );
  });

  it('ignore draining resources', () => {
    const draining = reported('eth0', 'eth0', { source: 'implicit', code: 'Draining' });
    assert.deepEqual(offersOf({ states: { h1: state([draining]) } }).resources, []);
  });

  it('contain nothing under names that every object inherits', () => {
    const offers = offersOf({ policies: [named('p', { parentIface: 'eth0' })] });
    for (const name of ['constructor', '__proto__', 'toString']) {
      assert.deepEqual([offers.ofResource(name), offers.ofParent(name), offers.policy(name)], [[], [], undefined]);
    }
  });
});

describe('an entry without a resource name', () => {
  const implicit = (name: string) => reported(name, name, { source: 'implicit' });
  const ports = [
    { name: 'ens5' },
    { name: 'ens6', master: { name: 'bond1', kind: 'bond' } },
    { name: 'eth0', altNames: ['lan'] },
  ];
  const zoneA = { nodeSelector: { matchLabels: { zone: 'a' } } };
  const shown = (given: Parameters<typeof offersOf>[0]) => {
    const offers = offersOf(given);
    return offers.resources.flatMap((name) => briefOffers(offers.ofResource(name)));
  };

  it('offers the interfaces that its selector finds on selected nodes, before they expose them', () => {
    const selects = policy('red', { parentSelector: [{ nicSelector: { names: ['ens*'] }, quantity: 7 }], ...zoneA });
    const states = { h1: nodeState([implicit('ens5')], ports), h2: nodeState([], [{ name: 'ens7' }]) };
    const given = { policies: [selects], states, labels: { h1: { zone: 'a' }, h2: { zone: 'b' } } };
    assert.deepEqual(shown(given), [
      'ens5 macvtap-cni/red bridge on ens5 7x0',
      'ens5 implicit bridge on ens5 10x1 mtu 1500',
    ]);
    assert.deepEqual(briefOffers(offersOf(given).ofParent('ens5')), shown(given));
    const exposed = nodeState([reported('ens5', 'ens5', { policy: selects.id })], ports);
    assert.deepEqual(shown({ ...given, states: { h1: exposed } }), [
      'ens5 macvtap-cni/red bridge on ens5 10x1 mtu 1500',
    ]);
  });

  it('offers an interface once, in the mode of the first entry that finds it', () => {
    const any = { nicSelector: { names: ['*'] } };
    const selects = named(
      'p',
      { nicSelector: { names: ['eth0'] }, mode: 'vepa' },
      { ...any, resourceName: 'all' },
      any,
    );
    assert.deepEqual(shown({ policies: [selects], states: { h1: nodeState([], ports), h2: nodeState([], ports) } }), [
      'all macvtap-cni/p bridge on  100x0',
      'ens5 macvtap-cni/p bridge on ens5 100x0',
      'eth0 macvtap-cni/p vepa on eth0 100x0',
    ]);
  });

  it('offers a resource with the name of the interface if a node reports the written name as an altname', () => {
    const policies = [policy('p', { parentSelector: [{ parentIface: 'lan', quantity: 7 }], ...zoneA })];
    const states = { h1: nodeState([implicit('eth0')], ports) };
    const byName = 'eth0 macvtap-cni/p bridge on eth0 7x0';
    const byNode = 'eth0 implicit bridge on eth0 10x1 mtu 1500';
    assert.deepEqual(shown({ policies, states, labels: { h1: { zone: 'a' } } }), [byName, byNode]);
    // No selected node reports the name as an altname yet, so it is assumed to be the interface's name.
    assert.deepEqual(shown({ policies, states }), [byNode, 'lan macvtap-cni/p bridge on lan 7x0']);
  });

  it('offers both names if the written name is an interface on one node and an altname on another', () => {
    const states = { h1: nodeState([], ports), h2: nodeState([], [{ name: 'lan' }]) };
    const exposed = {
      ...states,
      h2: nodeState([reported('lan', 'lan', { policy: 'macvtap-cni/p' })], [{ name: 'lan' }]),
    };
    const policies = [named('p', { parentIface: 'lan' })];
    assert.deepEqual(shown({ policies, states: exposed }), [
      'eth0 macvtap-cni/p bridge on eth0 100x0',
      'lan macvtap-cni/p bridge on lan 10x1 mtu 1500',
    ]);
    assert.deepEqual(shown({ policies, states }), [
      'eth0 macvtap-cni/p bridge on eth0 100x0',
      'lan macvtap-cni/p bridge on lan 100x0',
    ]);
  });

  it('does not rename a resource of another entry that has the altname as its resourceName', () => {
    const states = { h1: nodeState([], ports) };
    const policies = [named('p', { parentIface: 'lan' }, { parentIface: 'eth1', resourceName: 'lan', mode: 'vepa' })];
    assert.deepEqual(shown({ policies, states }), [
      'eth0 macvtap-cni/p bridge on eth0 100x0',
      'lan macvtap-cni/p vepa on eth1 100x0',
    ]);
  });
});

function state(resources: readonly ReportedResource[]): ReturnType<typeof nodeState> {
  return nodeState(resources, links);
}
