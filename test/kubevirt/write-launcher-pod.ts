// SPDX-License-Identifier: Apache-2.0
// Writes the launcher pod that tests of the documentation read. It is read from the cluster that `npm run cluster -- up
// --kubevirt` made: npm run launcher-pod
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';
import { openCluster } from '../cluster/cluster.ts';
import { applyQuickStart, launcherPodFile, readLauncherPod } from './launcher-pod.ts';

const comment =
  '# Written by npm run launcher-pod: what KubeVirt made of docs/tutorial/quick-start/vm.yaml, after the review by the webhook.\n';

await using cluster = await openCluster();
await applyQuickStart(cluster, 'policy', 'network');
const pod = await readLauncherPod(cluster);
await mkdir(dirname(launcherPodFile), { recursive: true });
await writeFile(launcherPodFile, comment + stringify(pod, { lineWidth: 0 }));
console.log(launcherPodFile);
