// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import type { ServedResource } from '../reconcile/served-resource.ts';
import { parentEvents } from './parent-events.ts';

const dataplane: PlannedResource = {
  name: 'dataplane',
  parent: 'bond1',
  mode: 'bridge',
  quantity: 5,
  source: 'policy',
  policy: 'macvtap-cni/p',
  numaNodes: [],
  needVhostNet: false,
};
const fine = { name: 'dataplane', resource: dataplane };
const gone = { ...fine, fault: 'NothingFound' } as const;
const served = (...resources: ServedResource[]) => new Map(resources.map((resource) => [resource.name, resource]));
const told = (before: ServedResource[], after: ServedResource[]) =>
  parentEvents('h1', served(...before), served(...after)).map(({ type, reason }) => `${type} ${reason}`);

describe('what becomes of the parents of a node', () => {
  it('that go: names resource, parent and who asks for it, on the Node', () => {
    const [event] = parentEvents('h1', served(fine), served(gone));
    assert.deepEqual(event?.regarding, { apiVersion: 'v1', kind: 'Node', name: 'h1', uid: 'h1' });
    assert.equal(event.reason, 'ParentVanished');
    assert.match(event.note, /parent bond1 of resource dataplane .* policy macvtap-cni\/p/);
  });

  it('that come back', () => assert.deepEqual(told([gone], [fine]), ['Normal ParentReturned']));

  it('that cannot be used any more: with the code', () => {
    const [event] = parentEvents('h1', served(fine), served({ ...fine, fault: 'Enslaved' }));
    assert.equal(event?.reason, 'ParentUnusable');
    assert.match(event.note, /name that one instead \(Enslaved\)/);
  });

  for (const [title, before, after] of [
    ['that are new', [], [fine]],
    ['that stay', [fine], [fine]],
    ['that stay away', [gone], [gone]],
    ['that nothing asks for any more', [fine], []],
    ['that drain', [fine], [{ name: 'dataplane', fault: 'Draining' }]],
    ['that were drained and are asked for again', [{ name: 'dataplane', fault: 'Draining' }], [fine]],
  ] as const satisfies [string, readonly ServedResource[], readonly ServedResource[]][]) {
    it(`${title}: nothing`, () => assert.deepEqual(told([...before], [...after]), []));
  }
});
