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
  it('is one device for each attachment, also for repeated networks and other namespaces', () => {
    assert.deepEqual(demandOf('data'), { dataplane: 1 });
    assert.deepEqual(demandOf('data,data@net7,tenant/data,fast'), { dataplane: 3, restricted: 1 });
    assert.deepEqual(demandOf(Array.from({ length: 200 }, () => 'data').join()), { dataplane: 200 });
  });

  it("is empty for another vendor's resource, for a network without the annotation and for a missing network", () => {
    assert.deepEqual(demandOf('other,plain,nothing'), {});
  });
});

describe('the devices that a pod requests', () => {
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

  it('are held by the containers that live as long as the pod', () => {
    assert.deepEqual(Object.fromEntries(countHeld(containersOf({ spec }))), { dataplane: 2 });
  });

  it('are the maximum at any time, or the number that its networks need if that is larger', () => {
    assert.deepEqual(Object.fromEntries(resourcesOfPod({ spec }, networks)), { dataplane: 4, restricted: 2 });
    const pod = podOf('data,data,data,data,data', spec);
    assert.deepEqual(Object.fromEntries(resourcesOfPod(pod, networks)), { dataplane: 5, restricted: 2 });
  });

  it('include sidecars that start before an init container', () => {
    const init = asking({ dataplane: 2 });
    const before = { initContainers: [sidecar(asking({ dataplane: 1 })), init] };
    const after = { initContainers: [init, sidecar(asking({ dataplane: 1 }))] };
    assert.deepEqual(Object.fromEntries(resourcesOfPod({ spec: before }, networks)), { dataplane: 3 });
    assert.deepEqual(Object.fromEntries(resourcesOfPod({ spec: after }, networks)), { dataplane: 2 });
  });

  it('are counted in one pass, even for 100,000 containers', () => {
    const one = asking({ dataplane: 1 });
    const initContainers = Array.from({ length: 100_000 }, (_, index) => (index % 2 === 0 ? sidecar(one) : one));
    assert.deepEqual(Object.fromEntries(resourcesOfPod({ spec: { initContainers } }, networks)), {
      dataplane: 50_001,
    });
  });
});
