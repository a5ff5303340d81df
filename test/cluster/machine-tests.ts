// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { runMachinePod } from './machine-pod.ts';
import type { MacvtapCluster } from './macvtap-cluster-of-file.ts';
import { deletePod } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed, clearSeed } from './seed-objects.ts';

export function machineTests(cluster: MacvtapCluster): void {
  const addresses = { 'vm-a': '10.20.0.1', 'vm-b': '10.20.0.2' } as const;

  describe('virtual machines in pods on two nodes, as user 107 without a capability', () => {
    before(() => applySeed(cluster));
    after(() => clearSeed(cluster));

    it('ping each other over the taps of their pods', async () => {
      const start = (name: keyof typeof addresses, node: string) =>
        runMachinePod(cluster, { name, node, networks: 'macvtap0', address: `${addresses[name]}/24` });
      const [a, b] = await Promise.all([start('vm-a', 'h1'), start('vm-b', 'h2')]);
      for (const [machine, other] of [
        [a, 'vm-b'],
        [b, 'vm-a'],
      ] as const) {
        const output = await machine.run(`ping -c 5 -i 0.2 ${addresses[other]}`);
        assert.match(output, /5 packets transmitted, 5 packets received, 0% packet loss/);
      }
    });

    it('release their devices when their pods are deleted', async () => {
      for (const name of Object.keys(addresses)) await deletePod(cluster, name);
      for (const node of ['h1', 'h2']) await untilHeld(cluster, node, 'bondedIface', 0);
    });
  });
}
