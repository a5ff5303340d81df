// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { ControlPlane } from './control-plane.ts';
import { apply } from './install.ts';
import { readObjects } from './shipped-objects.ts';

const states = '/apis/macvtap.network.kubevirt.io/v1alpha1/macvtapnetworknodestates';
const hosts = fileURLToPath(new URL('../fixtures/seed/nodes.yaml', import.meta.url));

/** Makes the proposal's three hosts: their Nodes, and what their plugins would have reported of their interfaces. */
export async function makeSeedHosts(cluster: ControlPlane): Promise<void> {
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
