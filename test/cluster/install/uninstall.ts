// SPDX-License-Identifier: Apache-2.0
import { until } from '../../process/until.ts';
import type { Cluster } from '../cluster.ts';
import { helm } from '../helm.ts';
import { installationNamespace, release } from './release.ts';

const guardMs = 180_000;

/** Uninstalls the release, and waits until its last pod is gone. */
export async function uninstall(cluster: Cluster): Promise<void> {
  await helm(cluster, ['uninstall', ...release]);
  const list = ['get', 'pods', `--namespace=${installationNamespace}`, '-o', 'name'];
  await until(
    () => cluster.mustKubectl(list),
    (names) => names === '',
    guardMs,
  );
}
