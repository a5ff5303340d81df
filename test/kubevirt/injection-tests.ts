// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { injectedAnnotation } from '../../policy/pod/inject-pod.ts';
import { setInjector } from '../cluster/kubevirt/install-kubevirt.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { createMachine, type Machine } from './machine.ts';
import { macvtapLimits, resource, tapOwners } from './start-tests.ts';

export function injectionTests(cluster: KubeVirtCluster): void {
  describe('without the feature gate ExternalNetResourceInjection', () => {
    let machine: Machine;

    before(async () => {
      await setInjector(cluster, 'kubevirt');
      machine = await createMachine(cluster, {
        name: 'injected',
        address: '10.55.0.1/24',
        networks: ['bonded', 'bonded', 'dataplane'],
      });
    });
    after(async () => {
      await machine.delete();
    });

    it('KubeVirt requests the devices of a virtual machine, and the webhook adds none', async () => {
      await machine.untilUp();
      const pod = await machine.launcher();
      assert.deepEqual(macvtapLimits(pod), { compute: { [resource('bonded')]: '2', [resource('dataplane')]: '1' } });
      assert.equal(pod.metadata.annotations?.[injectedAnnotation], undefined);
      assert.deepEqual(Object.values(await tapOwners(machine)), ['107:107', '107:107', '107:107']);
    });
  });
}
