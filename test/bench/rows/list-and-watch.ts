// SPDX-License-Identifier: Apache-2.0
import { type Device, toListAndWatchResponse } from '../../../nodeplugin/deviceplugin/device-list.ts';
import { devicePluginService, type ListAndWatchResponse } from '../../../nodeplugin/deviceplugin/v1beta1.ts';
import { deviceIDs } from '../../../policy/device/device-id.ts';
import { resourcePrefix } from '../../../policy/plan/resource.ts';
import { makeBenchNode } from '../bench-node.ts';
import type { Figure } from '../figure.ts';
import type { BenchRow } from '../row.ts';

const quantity = 1_000;
const changes = 10;

/** A resource's name in Kubernetes is at most 63 characters (apimachinery, validation.IsQualifiedName). */
const longestName = 'n'.repeat(63);

/**
 * Measures the messages that kubelet receives for 1,000 devices: the size of a message from the real process, and of
 * the largest possible message. For comparison, shows how many bytes of a message are device IDs. Also counts how many
 * messages one change causes.
 */
export const listAndWatch: BenchRow = {
  name: 'list-and-watch',
  needsRoot: true,
  async measure(report) {
    await using node = await makeBenchNode(['eth0']);
    const offer = (count: number) => node.offer({ resourceName: 'dataplane', parentIface: 'eth0', quantity: count });
    await offer(quantity);
    await using _plugin = node.start();
    await node.offers({ dataplane: quantity });
    const seen = () => {
      const resource = node.plugin.kubelet.resource(`${resourcePrefix}dataplane`);
      if (resource === undefined) throw new Error('dataplane is not registered');
      return resource;
    };
    const received = seen();
    report(`${changes} changes`);
    for (let change = 1; change <= changes; change += 1) {
      await offer(quantity - change);
      await node.offers({ dataplane: quantity - change });
    }
    const messages = seen().messages - received.messages;
    const onTwoNodes = deviceIDs(longestName, quantity).map((id): Device => ({ id, healthy: true, numaNodes: [0, 1] }));
    return [
      sizeOf('ListAndWatch, 1,000 devices of dataplane', received),
      sizeOf('the largest: 63-character name, 2 NUMA nodes', toListAndWatchResponse(onTwoNodes)),
      {
        title: 'ListAndWatch messages for one change',
        unit: 'messages',
        value: messages / changes,
        count: changes,
        reach: { valueAtMost: 1 },
      },
    ];
  },
};

function sizeOf(title: string, response: ListAndWatchResponse): Figure {
  const { devices } = response;
  const ids = devices.reduce((sum, { ID }) => sum + Buffer.byteLength(ID), 0);
  return {
    title,
    unit: 'bytes',
    value: devicePluginService.ListAndWatch.responseSerialize({ devices }).length,
    count: 1,
    beside: { title: 'only the IDs', value: ids, count: devices.length },
    reach: { valueAtMost: 100_000 },
  };
}
