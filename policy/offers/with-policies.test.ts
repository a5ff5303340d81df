// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { briefOffers, named, nodeState, offersOf, reported } from '../../test/fixtures/offers/build-offers.ts';
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
});
