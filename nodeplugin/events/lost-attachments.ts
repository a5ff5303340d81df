// SPDX-License-Identifier: Apache-2.0
import { aboutNode, type ClusterEvent } from '../../cluster/report/events/cluster-event.ts';
import { type AttachedDevice, listAttached } from '../cni/attachments.ts';
import { isSameNetns } from '../cni/open-netns.ts';
import type { Attachment } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ParentLookup } from '../reconcile/served-resource.ts';
import { aboutPod } from './about-pod.ts';

/**
 * Attachments whose parent is not there any more, in sandboxes that are: the kernel took their macvtaps along. One whose
 * parent was made anew under the same name is lost as well; its index tells.
 */
export function findLostAttachments(
  ledger: Pick<Ledger, 'entries'>,
  parents: Pick<ParentLookup, 'has'>,
  isAlive: (attachment: Attachment) => boolean = isSandboxThere,
): readonly AttachedDevice[] {
  return listAttached(ledger).filter(
    ({ record: { parentIfindex, attachment } }) =>
      parentIfindex !== undefined && !parents.has(parentIfindex) && isAlive(attachment),
  );
}

/** Each told on its pod, and all of a parent in summary on the Node, which names no pod: they are tenants'. */
export function lostAttachmentEvents(node: string, lost: readonly AttachedDevice[]): readonly ClusterEvent[] {
  const onNode = [...Map.groupBy(lost, ({ record }) => record.parent)].map(([parent, { length }]): ClusterEvent => {
    const note = `parent ${parent} went, and with it the macvtaps of ${length} ${length === 1 ? 'attachment' : 'attachments'} of running pods: bring it back and delete those pods, each of which has the event AttachmentLost`;
    return { type: 'Warning', reason: 'AttachmentsLost', action: 'Detach', regarding: aboutNode(node), note };
  });
  return [...onNode, ...lost.flatMap(toPodEvent)];
}

function toPodEvent({ id, record }: AttachedDevice): readonly ClusterEvent[] {
  const { pod = '', parent, resource, attachment } = record;
  const [namespace = '', name = ''] = pod.split('/');
  const regarding = aboutPod({ namespace, name, ...(attachment.podUID !== undefined && { uid: attachment.podUID }) });
  if (regarding === undefined) return [];
  const network = attachment.network === undefined ? '' : ` of network ${attachment.network}`;
  const note = `${attachment.ifname}${network} is gone: parent ${parent} of resource ${resource} went, and took the macvtap of device ${id} along; delete the pod to have it attached anew, once the parent is back`;
  return [{ type: 'Warning', reason: 'AttachmentLost', action: 'Detach', regarding, note }];
}

function isSandboxThere({ netnsPath, netnsInode }: Attachment): boolean {
  return isSameNetns(netnsPath, netnsInode);
}
