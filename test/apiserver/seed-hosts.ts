// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { until } from '../process/until.ts';
import type { ControlPlane } from './control-plane.ts';
import { apply } from './install.ts';
import { readObjects } from './kubernetes-object.ts';

const states = '/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates';
const hosts = fileURLToPath(new URL('../fixtures/seed/nodes.yaml', import.meta.url));

/** Selects every host; nothing but a trial, since it is never made. */
const trial = JSON.stringify({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'seed-hosts-trial', namespace: 'macvtap-cni' },
  spec: { parentSelector: [{ parentIface: 'eth0' }] },
});

/**
 * Makes the proposal's three hosts: their Nodes, and what their plugins would have reported of their interfaces. Returns
 * when the cluster's webhook knows them, since it hears of them a moment later.
 */
export async function makeSeedHosts(cluster: ControlPlane): Promise<void> {
  await applySeedHosts(cluster);
  await until(
    () => cluster.kubectl(['create', '--dry-run=server', '-f', '-'], trial),
    // What the trial would take from each of them.
    ({ stderr }) =>
      stderr.includes('bond1: 2 nodes lose it: h1, h2') && stderr.includes('eth1: 2 nodes lose it: h1, h3'),
  );
}

/** The same for a cluster without a webhook. */
export async function applySeedHosts(cluster: ControlPlane): Promise<void> {
  const objects = readObjects(hosts);
  await apply(cluster, objects);
  // A status that comes with the object is dropped: it is a resource of its own.
  for (const { kind, metadata, status } of objects) {
    if (kind === 'Node') continue;
    await cluster.admin.must('PATCH', `${states}/${metadata.name}/status`, {
      body: { status },
      contentType: 'application/merge-patch+json',
    });
  }
}
