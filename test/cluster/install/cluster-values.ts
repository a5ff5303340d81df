// SPDX-License-Identifier: Apache-2.0
import { imageName } from '../../images/ensure-images.ts';
import { type ImageKind, readInputs } from '../../images/image-inputs.ts';
import { uplink } from '../layout.ts';

/** What the chart is told in a cluster of ours. */
export async function clusterValues(): Promise<object> {
  const image = async (kind: ImageKind) => imageName(kind, await readInputs(kind)).split(':');
  const [repository, tag] = await image('node');
  const [webhookRepository] = await image('webhook');
  return {
    // Nodes were given the images; nothing can be pulled.
    image: { webhook: { repository: webhookRepository }, node: { repository }, tag, pullPolicy: 'Never' },
    // NICs of the nodes are veth pairs here, pods have others, and the uplink is no NIC of the proposal's hosts.
    linkKinds: ['device', 'bond', 'veth'],
    implicitExclude: [uplink, 'veth*'],
    // Tests wait for what is held to be free again.
    node: { extraArgs: ['--held-refresh=1s'] },
  };
}
