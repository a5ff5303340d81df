// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  briefOffers,
  named,
  nodeState,
  offersInput,
  offersOf,
  reported,
} from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';
import type { Offers, OffersInput } from './offers.ts';
import { collectOffers, createOffersIndex, withPolicies } from './offers-index.ts';

const implicit = { source: 'implicit' } as const;
const links = [{ name: 'eth0' }, { name: 'eth1' }];
const exposing = (name: string) => nodeState([reported(name, name, implicit)], links);

describe('an index of offers', () => {
  it('returns the same view while no offer has changed, and an old view does not change', () => {
    const index = createOffersIndex();
    const input = offersInput({ states: { h1: exposing('eth0') } });
    const before = index.update(input);
    assert.equal(index.update({ ...input }), before);
    const held = nodeState([reported('eth0', 'eth0', { ...implicit, held: 3 })], links);
    assert.equal(index.update(offersInput({ states: { h1: held } })), before);

    const after = index.update(offersInput({ states: { h1: held, h2: exposing('eth1') } }));
    assert.deepEqual([before.resources, after.resources], [['eth0'], ['eth0', 'eth1']]);
    assert.deepEqual([before.ofParent('eth1').length, after.ofParent('eth1').length], [0, 1]);
  });

  it('reads only changed states', () => {
    const reads: string[] = [];
    const states = (changed: string) =>
      Object.fromEntries(['h1', 'h2', 'h3'].map((name) => [name, name === changed ? watched(name) : first[name]]));
    const watched = (name: string): MacvtapNetworkNodeState => {
      const state = exposing('eth0');
      const { status } = state;
      return Object.defineProperty(state, 'status', { get: () => reads.push(name) > 0 && status });
    };
    const first: Readonly<Record<string, MacvtapNetworkNodeState>> = {
      h1: watched('h1'),
      h2: watched('h2'),
      h3: watched('h3'),
    };
    const index = createOffersIndex();
    index.update(offersInput({ states: first }));
    assert.deepEqual([...new Set(reads)], ['h1', 'h2', 'h3']);
    reads.length = 0;
    const offers = index.update(offersInput({ states: states('h2') as typeof first }));
    assert.deepEqual([...new Set(reads)], ['h2']);
    assert.equal(offers.ofResource('eth0')[0]?.nodes, 3);
  });

  it('reads a state again if the policy or configuration of its resources was edited', () => {
    const index = createOffersIndex();
    const states = {
      h1: nodeState([reported('data', 'eth0', { policy: 'macvtap-cni/p' })], links),
      h2: nodeState([reported('data', 'eth0', { source: 'explicit' })], links),
      h3: { apiVersion: '', kind: '', metadata: {} },
    };
    const entry = { parentIface: 'eth0', resourceName: 'data' } as const;
    const shown = (given: object) => briefOffers(index.update(offersInput({ states, ...given })).ofResource('data'));
    assert.deepEqual(shown({}), []);
    assert.deepEqual(shown({ policies: [named('p', entry)] }), ['data macvtap-cni/p bridge on eth0 10x1 mtu 1500']);
    assert.deepEqual(shown({ policies: [named('p', { ...entry, mode: 'vepa' })] }), [
      'data macvtap-cni/p vepa on eth0 10x1 mtu 1500',
    ]);
    assert.deepEqual(shown({ explicit: '[{"name":"data","lowerDevice":"eth0"}]' }), [
      'data explicit bridge on eth0 10x1 mtu 1500',
    ]);
    assert.deepEqual(shown({}), []);
  });

  it('contains a new policy even if it names no resource', () => {
    const index = createOffersIndex();
    index.update(offersInput({}));
    const selects = named('p', { nicSelector: { names: ['ens*'] } });
    assert.equal(index.update(offersInput({ policies: [selects] })).policy('macvtap-cni/p'), selects);
  });

  it('reads only the node whose labels changed', () => {
    const index = createOffersIndex();
    const spec = { parentSelector: [{ nicSelector: {} }], nodeSelector: { matchLabels: { zone: 'a' } } };
    const input = offersInput({ states: { h1: nodeState([], links) }, policies: [policy('p', spec)] });
    const inZone = (value: string) => ({ ...input, nodes: new Map([['h1', { name: 'h1', labels: { zone: value } }]]) });
    assert.deepEqual(index.update(inZone('b')).resources, []);
    assert.deepEqual(index.update(inZone('a')).resources, ['eth0', 'eth1']);
    assert.deepEqual(index.update(inZone('b')).resources, []);
  });

  it('removes a node that was deleted, with or without its state, and adds it when it returns', () => {
    const index = createOffersIndex();
    const states = { h1: exposing('eth0') };
    const nodesOf = (given: object) => index.update(offersInput({ states, ...given })).ofResource('eth0')[0]?.nodes;
    assert.equal(nodesOf({}), 1);
    assert.equal(nodesOf({ nodes: [] }), undefined);
    assert.equal(nodesOf({}), 1);
    assert.equal(nodesOf({ states: {}, nodes: ['h1'] }), undefined);
    assert.equal(nodesOf({}), 1);
  });

  it('yields while it reads many nodes, and another call first finishes the update', () => {
    const names = Array.from({ length: 200 }, (_, index) => `h${index}`);
    const state = nodeState([reported('data', 'eth0', { policy: 'macvtap-cni/p' })], links);
    const states = Object.fromEntries(names.map((name) => [name, state]));
    const inputs = (['bridge', 'private', 'vepa'] as const).map((mode) =>
      offersInput({ states, policies: [named('p', { parentIface: 'eth0', resourceName: 'data', mode })] }),
    ) as [OffersInput, OffersInput, OffersInput];
    const dump = (offers: Offers) => briefOffers(offers.ofResource('data'));
    const wanted = inputs.map((input) => dump(collectOffers(input)));

    const index = createOffersIndex();
    const first = index.update(inputs[0]);
    const steps = index.follow(inputs[1]);
    assert.equal(steps.next().done, false);
    assert.deepEqual(dump(first), wanted[0], 'the previous view');
    assert.deepEqual(dump(first.withPolicies(inputs[2].policies)), wanted[2]);
    let step = steps.next();
    while (!step.done) step = steps.next();
    assert.deepEqual(dump(step.value), wanted[1]);

    assert.equal(index.follow(inputs[2]).next().done, false, 'an unfinished update');
    const news = { ...inputs[1], nodeStates: new Map(inputs[1].nodeStates).set('h0', exposing('eth1')) };
    assert.deepEqual(dump(index.update(news)), dump(collectOffers(news)));
  });
});

describe('an update of many nodes', () => {
  /** Returns how often the index yields for 100 nodes, each with the given number of interfaces and resources. */
  function slices(items: number): number {
    const links = Array.from({ length: items }, (_, index) => ({ name: `e${index}` }));
    const resources = links.map(({ name }) => reported(name, name, { source: 'implicit' }));
    const states = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`h${index}`, nodeState(resources, links)]),
    );
    const steps = createOffersIndex().follow(offersInput({ states }));
    let yields = 0;
    while (!steps.next().done) yields += 1;
    return yields;
  }

  it('yields depending on the size of the reports, not only on the number of nodes', () => {
    const [few, many] = [slices(10), slices(1_000)];
    assert.ok(few <= 3 && many >= 49, `${few} slices of small nodes, ${many} of large ones`);
  });
});

const exposed = named('exposed', { parentIface: 'eth0', resourceName: 'data' });
const deleted = named('deleted', { parentIface: 'eth1' });
const created = named('created', { parentIface: 'eth1', resourceName: 'new' });
const states = {
  h1: nodeState([
    reported('data', 'eth0', { policy: exposed.id }),
    reported('eth1', 'eth1', { policy: deleted.id }),
    reported('eth2', 'eth2', { source: 'implicit' }),
  ]),
};

describe('offers with a newer list of policies', () => {
  const view = withPolicies(offersOf({ policies: [exposed, deleted], states }), [exposed, created]);

  it('contain the resources of a new policy, and not those of a deleted one', () => {
    assert.deepEqual(view.resources, ['data', 'eth2', 'new']);
    assert.deepEqual([view.policy(created.id), view.policy(deleted.id)], [created, undefined]);
    assert.deepEqual(briefOffers(view.ofResource('new')), ['new macvtap-cni/created bridge on eth1 100x0']);
    assert.deepEqual(view.ofResource('eth1'), []);
    assert.deepEqual(briefOffers(view.ofParent('eth1')), ['new macvtap-cni/created bridge on eth1 100x0']);
  });

  it('still contain the reports for other policies', () => {
    assert.deepEqual(briefOffers(view.ofResource('data')), ['data macvtap-cni/exposed bridge on eth0 10x1']);
    assert.deepEqual(briefOffers(view.ofParent('eth2')), ['eth2 implicit bridge on eth2 10x1']);
    assert.deepEqual(
      view.fromPolicies.map(({ resource }) => resource),
      ['data', 'new'],
    );
  });

  it('contain nothing from an invalid policy', () => {
    const faulty = named('faulty', { parentIface: 'eth9', mode: 'passthru', quantity: 2 });
    assert.deepEqual(withPolicies(offersOf({}), [faulty]).resources, []);
  });

  it('have the mode, parents and names of an edited policy, unless nodes report otherwise', () => {
    const known = offersOf({ policies: [exposed, deleted], states });
    const shown = (...parentSelector: readonly ParentEntry[]) => {
      const offers = withPolicies(known, [named('exposed', ...parentSelector)]);
      return offers.fromPolicies.flatMap((offer) => briefOffers([offer]));
    };
    const data = { parentIface: 'eth0', resourceName: 'data' } as const;
    assert.deepEqual(shown({ ...data, mode: 'vepa' }), ['data macvtap-cni/exposed vepa on eth0 10x1']);
    assert.deepEqual(shown({ ...data, parentIface: 'eth1' }), ['data macvtap-cni/exposed bridge on eth1 100x0']);
    assert.deepEqual(shown({ ...data, resourceName: 'other' }), ['other macvtap-cni/exposed bridge on eth0 100x0']);
  });

  it('contain the interfaces that the selectors of a new policy find on the nodes', () => {
    const ports = { h1: nodeState([], [{ name: 'ens5' }]) };
    const offers = withPolicies(offersOf({ states: ports }), [named('p', { nicSelector: { names: ['ens*'] } })]);
    assert.deepEqual(briefOffers(offers.fromPolicies), ['ens5 macvtap-cni/p bridge on ens5 100x0']);
  });
});

describe('a policy of a newer list', () => {
  const creationTimestamp = '2026-01-01T00:00:00Z';
  const make = (metadata: object) => policy('p', { parentSelector: [{ parentIface: 'eth0' }] }, metadata);
  const known = make({ uid: 'a', generation: 3, creationTimestamp });
  const offers = offersOf({ policies: [known] });
  const isKnown = (newer: Policy) => withPolicies(offers, [newer]).policy(newer.id) === known;

  it('is not read again if its generation is the same; the view then does not change', () => {
    assert.ok(isKnown(make({ uid: 'a', generation: 3, creationTimestamp })));
    assert.equal(withPolicies(offers, [make({ uid: 'a', generation: 3, creationTimestamp })]), offers);
  });

  it('is read again if it was edited, was recreated or has no generation', () => {
    assert.ok(!isKnown(make({ uid: 'a', generation: 4, creationTimestamp })));
    assert.ok(!isKnown(make({ uid: 'a', generation: 3, creationTimestamp: '2026-01-02T00:00:00Z' })));
    assert.ok(!isKnown(make({ uid: 'b', generation: 3, creationTimestamp })));
    const unsaid = make({});
    const view = withPolicies(offersOf({ policies: [make({})] }), [unsaid]);
    assert.equal(view.policy(unsaid.id), unsaid);
  });
});
