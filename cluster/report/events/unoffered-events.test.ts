// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Offer } from '../../../policy/offers/offers.ts';
import { unofferedEvents } from './unoffered-events.ts';

const offer = { source: 'policy', policy: 'macvtap-cni/p', mode: 'bridge', parents: [], quantity: 1 } as const;
const known: Readonly<Record<string, readonly Offer[]>> = {
  dataplane: [{ ...offer, resource: 'dataplane', nodes: 2 }],
  asked: [{ ...offer, resource: 'asked', nodes: 0 }],
};
const offers = { ofResource: (name: string) => known[name] ?? [], resources: Object.keys(known) };

function told(annotation: string | undefined) {
  const metadata = {
    ...{ namespace: 'vms', name: 'blue', uid: 'uid-blue' },
    ...(annotation !== undefined && { annotations: { 'k8s.v1.cni.cncf.io/resourceName': annotation } }),
  };
  return unofferedEvents({ networks: new Map([['vms/blue', { metadata }]]) }, offers);
}

describe('a network', () => {
  it('whose resource nobody offers is told of it, with the name that is meant', () => {
    const [found] = told('macvtap.network.kubevirt.io/dataplnae');
    const { regarding, note } = found?.event ?? assert.fail();
    assert.deepEqual(regarding, {
      ...{ apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' },
      ...{ namespace: 'vms', name: 'blue', uid: 'uid-blue' },
    });
    assert.match(note, /^no policy and no node offers .*\/dataplnae: did you mean dataplane\?; pods .* stay Pending$/);
  });

  it('whose resource no node exposes is told who asks for it', () => {
    const [found] = told('macvtap.network.kubevirt.io/asked');
    assert.match(found?.event.note ?? '', /^no node exposes .*\/asked, which policy macvtap-cni\/p asks for: see/);
  });

  for (const [title, annotation] of [
    ['whose resource nodes expose', 'macvtap.network.kubevirt.io/dataplane'],
    ['without a resource', undefined],
    ["with another vendor's resource", 'intel.com/sriov'],
    ['with no legal name of a resource', 'macvtap.network.kubevirt.io/a/b'],
  ] as const) {
    it(`${title} is not told of anything`, () => assert.deepEqual(told(annotation), []));
  }
});
