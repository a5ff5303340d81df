// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { untilHeld } from '../cluster/resources.ts';
import { until } from '../process/until.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { machineGuardMs } from './machine.ts';
import { replicaSetObject } from './machine-object.ts';

const replicaSets = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstancereplicasets';
const name = 'crowd';
/** Launcher pods have the same labels as their instances. */
const pods = `/api/v1/namespaces/default/pods?labelSelector=set=${name}`;

/** The number of `bonded` devices on both nodes together. */
const replicas = 20;

interface Launchers {
  readonly items: readonly {
    readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  }[];
}

interface NetworkStatus {
  readonly name: string;
  readonly mac?: string;
}

export function manyTests(cluster: KubeVirtCluster): void {
  describe(`a replica set of ${replicas} virtual machines`, () => {
    it('attaches all launcher pods at once, each with its own device and MAC address, and releases the devices', async () => {
      await cluster.admin.must('POST', replicaSets, { body: replicaSetObject(name, replicas) });
      const readMACs = async () => {
        const { items } = await cluster.admin.must<Launchers>('GET', pods);
        return items.flatMap(({ metadata }) => macsOf(metadata.annotations));
      };
      const macs = await until(readMACs, ({ length }) => length === replicas, machineGuardMs);
      assert.equal(new Set(macs).size, replicas);
      for (const node of ['h1', 'h2']) await untilHeld(cluster, node, 'bonded', replicas / 2);

      await cluster.admin.must('DELETE', `${replicaSets}/${name}`);
      for (const node of ['h1', 'h2']) await untilHeld(cluster, node, 'bonded', 0);
    });
  });
}

/** Returns the addresses on the network `bonded` that CNI reported to Multus. */
function macsOf(annotations: Readonly<Record<string, string>>): readonly string[] {
  const all: readonly NetworkStatus[] = JSON.parse(annotations['k8s.v1.cni.cncf.io/network-status'] ?? '[]');
  return all.flatMap(({ name: network, mac }) => (network === 'default/bonded' && mac ? [mac] : []));
}
