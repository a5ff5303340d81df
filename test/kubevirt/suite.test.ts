// SPDX-License-Identifier: Apache-2.0
// Runs all tests with KubeVirt. They share one cluster, which takes minutes to bring up.
import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cutoverTests } from './cutover-tests.ts';
import { draTests } from './dra-tests.ts';
import { injectionTests } from './injection-tests.ts';
import { kubeVirtClusterOfFile } from './kubevirt-cluster.ts';
import { launcherPodTests } from './launcher-pod-tests.ts';
import { lifeTests } from './life-tests.ts';
import { manyTests } from './many-tests.ts';
import { migrationTests } from './migration-tests.ts';
import { passthruTests } from './passthru-tests.ts';
import { startTests } from './start-tests.ts';

const cluster = await kubeVirtClusterOfFile();

describe('KubeVirt with macvtaps', () => {
  it('has an operator of the expected version that reports Deployed', async () => {
    const path = ['get', 'kubevirt', 'kubevirt', '-n', 'kubevirt', '-o', 'jsonpath={.status}'];
    const status = JSON.parse(await cluster.mustKubectl(path));
    deepEqual([status.phase, status.observedKubeVirtVersion], ['Deployed', cluster.images.version]);
  });
});
startTests(cluster);
passthruTests(cluster);
lifeTests(cluster);
manyTests(cluster);
migrationTests(cluster);
cutoverTests(cluster);
draTests(cluster);
launcherPodTests(cluster);
// These tests come last, because they change how KubeVirt makes pods.
injectionTests(cluster);
