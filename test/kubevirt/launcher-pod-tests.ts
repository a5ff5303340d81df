// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { readFixture, readLauncherPod } from './launcher-pod.ts';

export function launcherPodTests(cluster: KubeVirtCluster): void {
  describe("the launcher pod of the quick start's virtual machine", () => {
    it('is the one that test/docs/virtual-machine.test.ts reads (if not, run npm run launcher-pod)', async () => {
      assert.deepEqual(await readLauncherPod(cluster), await readFixture());
    });
  });
}
