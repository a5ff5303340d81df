// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asking, podContext, podOf } from '../../test/fixtures/pod/build-context.ts';
import { countDemand, countHeld, resourcesOfPod } from './count-demand.ts';
import { networksOf } from './parse-networks.ts';
import { containersOf } from './read-pod.ts';

const { networks } = podContext('vms');
const demandOf = (text: string) => Object.fromEntries(countDemand(networksOf(podOf(text)), networks));

describe('the demand of networks', () => {
  it('is a device for each attachment, repeats and other namespaces too', () => {
    assert.deepEqual(demandOf('data'), { dataplane: 1 });
    assert.deepEqual(demandOf('data,data@net7,tenant/data,fast'), { dataplane: 3, restricted: 1 });
    assert.deepEqual(demandOf(Array.from({ length: 200 }, () => 'data').join()), { dataplane: 200 });
  });

  it("is nothing for another vendor's resource, for no annotation and for a network that is not there", () => {
    assert.deepEqual(demandOf('other,plain,nothing'), {});
  });
});

describe('what a pod asks for', () => {
  const sidecar = (devices: object) => ({ restartPolicy: 'Always', ...devices });
  const spec = {
    initContainers: [
      asking({ dataplane: 4 }),
      sidecar(asking({ dataplane: 1 })),
      asking({ dataplane: '1', restricted: 2 }),
    ],
    containers: [asking({ dataplane: 1 }), asking({ dataplane: 'x' }), {}],
    ephemeralContainers: [asking({ dataplane: 7 })],
  };

  it('is held by what lives as long as the pod', () => {
    assert.deepEqual(Object.fromEntries(countHeld(containersOf({ spec }))), { dataplane: 2 });
  });

  it('takes of a node the most at any time, or what its networks need', () => {
    assert.deepEqual(Object.fromEntries(resourcesOfPod({ spec }, networks)), { dataplane: 4, restricted: 2 });
    const pod = podOf('data,data,data,data,data', spec);
    assert.deepEqual(Object.fromEntries(resourcesOfPod(pod, networks)), { dataplane: 5, restricted: 2 });
  });

  it('counts sidecars beside the init containers that start after them', () => {
    const init = asking({ dataplane: 2 });
    const before = { initContainers: [sidecar(asking({ dataplane: 1 })), init] };
    const after = { initContainers: [init, sidecar(asking({ dataplane: 1 }))] };
    assert.deepEqual(Object.fromEntries(resourcesOfPod({ spec: before }, networks)), { dataplane: 3 });
    assert.deepEqual(Object.fromEntries(resourcesOfPod({ spec: after }, networks)), { dataplane: 2 });
  });

  it('is counted in one pass: a pod may bring 100,000 containers', () => {
    const one = asking({ dataplane: 1 });
    const initContainers = Array.from({ length: 100_000 }, (_, index) => (index % 2 === 0 ? sidecar(one) : one));
    assert.deepEqual(Object.fromEntries(resourcesOfPod({ spec: { initContainers } }, networks)), {
      dataplane: 50_001,
    });
  });
});
