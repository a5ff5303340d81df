// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type NadObject, resourceOfNad } from './read-nad.ts';

describe('the resource that pods of a network need', () => {
  for (const [annotation, resource] of [
    ['macvtap.network.kubevirt.io/dataplane', 'dataplane'],
    ['macvtap.network.kubevirt.io/eth0.100', 'eth0.100'],
    ['macvtap.network.kubevirt.io/', undefined],
    ['macvtap.network.kubevirt.io/a/b', undefined],
    [' macvtap.network.kubevirt.io/dataplane', undefined],
    ['intel.com/sriov', undefined],
    ['dataplane', undefined],
    ['', undefined],
    [5, undefined],
    [undefined, undefined],
  ] as const) {
    it(`is ${resource ?? 'none of kube-macvtap'} for ${JSON.stringify(annotation) ?? 'no annotation'}`, () => {
      const annotations = { 'k8s.v1.cni.cncf.io/resourceName': annotation };
      for (const config of ['{"type":"macvtap"}', '{"type":"bridge"}', '{', undefined]) {
        assert.equal(resourceOfNad({ metadata: { annotations }, spec: { config } } as unknown as NadObject), resource);
      }
    });
  }

  it('is undefined for an object that is not a network', () => {
    for (const object of [null, undefined, 5, [], {}, { metadata: null }, { metadata: { annotations: null } }]) {
      assert.equal(resourceOfNad(object as unknown as NadObject), undefined);
    }
    const inherited = JSON.parse(
      '{"metadata":{"annotations":{"__proto__":{"k8s.v1.cni.cncf.io/resourceName":"macvtap.network.kubevirt.io/a"}}}}',
    );
    assert.equal(resourceOfNad(inherited), undefined);
  });
});
