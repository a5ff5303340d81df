// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeState, offersOf, reported } from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { policiesOffering } from './policies-offering.ts';

describe('the policies that offer a resource', () => {
  it('are each there once, in the order in which they win, without other sources', () => {
    const twice = [
      { parentIface: 'eth0', resourceName: 'data' },
      { parentIface: 'eth1', mode: 'vepa', resourceName: 'data' },
    ] as const;
    const late = policy('a', { priority: 50, parentSelector: twice });
    const early = policy('b', { priority: 10, parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] });
    const other = policy('c', { parentSelector: [{ parentIface: 'eth2' }] });
    const states = { h1: nodeState([reported('data', 'eth3', { source: 'implicit' })]) };
    const offers = offersOf({ policies: [late, other, early], states });
    assert.deepEqual(policiesOffering(offers, 'data'), [early, late]);
    assert.deepEqual(policiesOffering(offers, 'nothing'), []);
  });
});
