// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { briefOffers, named, nodeState, offersOf, reported } from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';
import { withPolicies } from './with-policies.ts';

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

  it('name what a new policy names, and no more what a deleted one did', () => {
    assert.deepEqual(view.resources, ['data', 'eth2', 'new']);
    assert.deepEqual([view.policy(created.id), view.policy(deleted.id)], [created, undefined]);
    assert.deepEqual(briefOffers(view.ofResource('new')), ['new macvtap-cni/created bridge on eth1 100x0']);
    assert.deepEqual(view.ofResource('eth1'), []);
    assert.deepEqual(briefOffers(view.ofParent('eth1')), ['new macvtap-cni/created bridge on eth1 100x0']);
  });

  it('keep what nodes say of the others', () => {
    assert.deepEqual(briefOffers(view.ofResource('data')), ['data macvtap-cni/exposed bridge on eth0 10x1']);
    assert.deepEqual(briefOffers(view.ofParent('eth2')), ['eth2 implicit bridge on eth2 10x1']);
    assert.deepEqual(
      view.fromPolicies.map(({ resource }) => resource),
      ['data', 'new'],
    );
  });

  it('offer nothing of a policy with faults', () => {
    const faulty = named('faulty', { parentIface: 'eth9', mode: 'passthru', quantity: 2 });
    assert.deepEqual(withPolicies(offersOf({}), [faulty]).resources, []);
  });

  it('have the mode, the parents and the names of a policy that was edited, as far as nodes do not speak against it', () => {
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

  it('have what the selectors of a new policy find on the nodes', () => {
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

  it('is not read again where it is of the same generation, and the view then stays the same', () => {
    assert.ok(isKnown(make({ uid: 'a', generation: 3, creationTimestamp })));
    assert.equal(withPolicies(offers, [make({ uid: 'a', generation: 3, creationTimestamp })]), offers);
  });

  it('is read where it was edited, or made anew, or nobody can say', () => {
    assert.ok(!isKnown(make({ uid: 'a', generation: 4, creationTimestamp })));
    assert.ok(!isKnown(make({ uid: 'a', generation: 3, creationTimestamp: '2026-01-02T00:00:00Z' })));
    assert.ok(!isKnown(make({ uid: 'b', generation: 3, creationTimestamp })));
    const unsaid = make({});
    const view = withPolicies(offersOf({ policies: [make({})] }), [unsaid]);
    assert.equal(view.policy(unsaid.id), unsaid);
  });
});
