// SPDX-License-Identifier: Apache-2.0
import { imageName } from '../../images/ensure-images.ts';
import { type ImageKind, readInputs } from '../../images/image-inputs.ts';
import { uplink } from '../layout.ts';

/** Returns the chart's values for a test cluster. */
export async function clusterValues(): Promise<object> {
  const image = async (kind: ImageKind) => imageName(kind, await readInputs(kind)).split(':');
  const [repository, tag] = await image('node');
  const [webhookRepository] = await image('webhook');
  return {
    // The images are already on the nodes, and nothing can be pulled.
    image: { webhook: { repository: webhookRepository }, node: { repository }, tag, pullPolicy: 'Never' },
    // In test clusters, the nodes' NICs are veth pairs, so implicit exposure includes veths. Two kinds of veths are
    // excluded by name: interfaces of pods, and the uplink, which the hosts of the API proposal do not have.
    linkKinds: ['device', 'bond', 'veth'],
    implicitExclude: [uplink, 'veth*'],
    // Tests wait until held devices are free again.
    node: { extraArgs: ['--held-refresh=1s'] },
  };
}
