// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { until } from '../process/until.ts';
import type { ControlPlane } from './control-plane.ts';
import { apply } from './install.ts';
import { readObjects } from './kubernetes-object.ts';

const states = '/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates';
const hosts = fileURLToPath(new URL('../fixtures/seed/nodes.yaml', import.meta.url));

/** A policy that selects every host. It is used only in a dry run. */
const trial = JSON.stringify({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'seed-hosts-trial', namespace: 'macvtap-cni' },
  spec: { parentSelector: [{ parentIface: 'eth0' }] },
});

/**
 * Makes the three hosts of the API proposal (test/fixtures/seed): their Nodes, and the interfaces that their plugins
 * would have reported. Resolves when the cluster's webhook knows the hosts, which is a moment later.
 */
export async function makeSeedHosts(cluster: ControlPlane): Promise<void> {
  await applySeedHosts(cluster);
  await until(
    () => cluster.kubectl(['create', '--dry-run=server', '-f', '-'], trial),
    // Whether the answer has the warning that the trial policy affects all three hosts.
    ({ stderr }) => stderr.includes('3 nodes lose some of them: h1, h2, h3; they are bond1, eth1'),
  );
}

/** Makes the hosts in a cluster without a webhook. */
export async function applySeedHosts(cluster: ControlPlane): Promise<void> {
  const objects = readObjects(hosts);
  await apply(cluster, objects);
  // The API server drops a status that is sent with the object, because the status is a separate subresource.
  for (const { kind, metadata, status } of objects) {
    if (kind === 'Node') continue;
    await cluster.admin.must('PATCH', `${states}/${metadata.name}/status`, {
      body: { status },
      contentType: 'application/merge-patch+json',
    });
  }
}
