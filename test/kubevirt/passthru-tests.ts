// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { installationNamespace } from '../cluster/install/release.ts';
import { until } from '../process/until.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { createMachine } from './machine.ts';

const objects = [
  {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name: 'whole', namespace: installationNamespace },
    spec: { resourceName: 'whole', parentSelector: [{ parentIface: 'ens6', mode: 'passthru' }] },
  },
  {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'whole', namespace: 'default' },
    spec: { config: '{"type": "macvtap"}' },
  },
];

export function passthruTests(cluster: KubeVirtCluster): void {
  describe('a virtual machine on a passthru resource', () => {
    before(() => cluster.apply(objects));
    after(async () => {
      await cluster.mustKubectl(
        ['delete', '-f', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
      );
    });

    it('with a MAC address, as from a MAC pool, is refused, and its condition shows why', async (context) => {
      const machine = await createMachine(cluster, {
        name: 'pooled',
        address: '10.56.0.1/24',
        networks: ['whole'],
        macAddress: '02:00:00:00:56:01',
      });
      const readReason = async () => {
        const { status } = await machine.instance().catch(() => ({ status: undefined }));
        return status?.conditions?.find(({ type }) => type === 'Synchronized')?.message;
      };
      const message = await until(readReason, (found) => found !== undefined);
      await machine.delete();
      context.diagnostic(message ?? '');
      assert.match(
        message ?? '',
        /denied the request: PassthruMac .*network default\/whole .*policy .*\/whole offers it in mode passthru/,
      );
    });
  });
}
