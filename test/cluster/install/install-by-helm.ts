// SPDX-License-Identifier: Apache-2.0
import { chartFolder } from '../../chart/run-helm.ts';
import { until } from '../../process/until.ts';
import type { Cluster } from '../cluster.ts';
import { helm } from '../helm.ts';
import { killContainer } from '../kill-container.ts';
import { clusterValues } from './cluster-values.ts';
import type { Installation } from './installation.ts';
import { findNodePlugin, nodePluginLogs } from './node-plugin-pod.ts';
import { release } from './release.ts';
import { untilRolledOut } from './until-rolled-out.ts';

const guardMs = 120_000;

/** Installs the chart into a cluster without it. Waits until all pods run and the API server calls the webhook. */
export async function installByHelm(cluster: Cluster, values: object = {}): Promise<Installation> {
  await helm(cluster, ['install', ...release, chartFolder, '--create-namespace'], await clusterValues(), values);
  return await untilInstalled(cluster);
}

/** Waits until all pods of an installed chart run and the API server calls the webhook. */
export async function untilInstalled(cluster: Cluster): Promise<Installation> {
  await untilRolledOut(cluster);
  await untilAsked(cluster);
  return {
    async upgrade(changed, chart = chartFolder) {
      await helm(cluster, ['upgrade', ...release, chart, '--reset-then-reuse-values'], changed);
    },
    untilRolledOut: () => untilRolledOut(cluster),
    async killNodePlugin(node) {
      const { name, restarts } = await findNodePlugin(cluster, node);
      await killContainer(cluster, node, { pod: name, container: 'nodeplugin' });
      await until(
        () => findNodePlugin(cluster, node),
        (found) => found.restarts > restarts && found.isReady,
        guardMs,
      );
    },
    nodePluginLog: (node) => cluster.run(node, 'sh', '-c', `cat ${nodePluginLogs}`),
  };
}

/**
 * Waits until the API server calls the webhook. The API server applies configurations a moment after they are stored,
 * and the webhook adds its CA to them later.
 */
async function untilAsked(cluster: Cluster): Promise<void> {
  const policy = {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name: 'probe', namespace: 'default' },
    spec: { parentSelector: [{ parentIface: 'eth0' }] },
  };
  await until(
    () => cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(policy)),
    ({ stderr }) => /denied the request/.test(stderr),
    guardMs,
  );
}
