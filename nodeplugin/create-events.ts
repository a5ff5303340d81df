// SPDX-License-Identifier: Apache-2.0
import {
  aboutNode,
  type ClusterEvent,
  type EventReason,
  type EventRecorder,
} from '../cluster/report/events/cluster-event.ts';
import type { PlannedResource } from '../policy/plan/node-plan.ts';
import { type ReasonCode, reasons } from '../policy/reasons.ts';
import type { MacvtapError } from '../runtime/errors.ts';
import type { AnsweredRequest } from './cni/answered-request.ts';
import { type AttachedDevice, listAttached } from './cni/attachments.ts';
import { aboutPod } from './cni/device-claim.ts';
import { isSameNetns } from './cni/open-netns.ts';
import { newestCNIVersion, toCNIError } from './cni/spec/cni-protocol.ts';
import type { ResourcePluginState } from './deviceplugin/resource-plugin.ts';
import type { Attachment } from './ledger/device-record.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { ParentLookup, ServedResource } from './reconcile/served-resource.ts';

export interface EventsOptions {
  readonly nodeName: string;
  readonly recorder: EventRecorder;
  readonly ledger: Pick<Ledger, 'entries'>;
  readonly parents: Pick<ParentLookup, 'has'>;
  /**
   * Returns whether the sandbox of an attachment exists. By default, it checks whether the network namespace exists.
   */
  readonly isSandboxThere?: (attachment: Attachment) => boolean;
}

/** Creates functions that record the node plugin's events about its Node and about pods. */
export function createEvents({ nodeName, recorder, ledger, parents, isSandboxThere }: EventsOptions) {
  const regarding = aboutNode(nodeName);
  const warn = (reason: EventReason, action: string, note: string) =>
    recorder.record({ type: 'Warning', reason, action, regarding, note });
  let lostBefore: ReadonlySet<string> = new Set();
  let explicitBefore: string | undefined;
  return {
    macvtapSupport(isThere: boolean) {
      if (isThere) return;
      warn(
        'MacvtapUnsupported',
        'Start',
        'the kernel has no macvtap: no device can be allocated; load the module macvtap or change the kernel',
      );
    },
    /** Reports the trouble of the explicit configuration if it differs from that of the last call. */
    explicitConfiguration(trouble: string | undefined) {
      if (trouble !== undefined && trouble !== explicitBefore) {
        const note = `${trouble}. Until then the node uses the last valid version that it read; after a restart, none`;
        warn('ExplicitInvalid', 'Expose', note);
      }
      explicitBefore = trouble;
    },
    shim(error: MacvtapError | undefined) {
      if (error !== undefined) warn('CNIPluginMissing', 'Install', `no pod can be attached: ${error.message}`);
    },
    /** `method` is the path of the gRPC call: `/v1beta1.DevicePlugin/Allocate`. */
    failedCall(resource: string, method: string, error: MacvtapError) {
      const action = method.slice(method.lastIndexOf('/') + 1);
      if (error.code === 'Aborted' || !['Allocate', 'PreStartContainer'].includes(action)) return;
      warn('AllocateFailed', action, `${action} of resource ${resource}: ${error.message} (${error.code})`);
    },
    answeredRequest({ failure }: Pick<AnsweredRequest, 'failure'>) {
      if (failure === undefined) return;
      const { operation, error, environment } = failure;
      const pod = environment?.command === 'ADD' && environment.pod && aboutPod(environment.pod);
      // Kubelet repeats an aborted request. If it fails again, the new failure is reported.
      if (!pod || error.code === 'Aborted') return;
      const { code, msg, details } = toCNIError(error, newestCNIVersion, operation);
      const note = `${msg} (${details}, CNI error ${code})`;
      const reason = error.code === 'DeviceMissing' ? 'NotInjected' : 'AttachFailed';
      recorder.record({ type: 'Warning', reason, action: 'ADD', regarding: pod, note });
    },
    resourceState(resource: string, { phase, lastError }: ResourcePluginState) {
      if (phase !== 'waiting' || lastError?.code !== 'UpstreamPluginRunning') return;
      warn('UpstreamPluginRunning', 'Register', `${resource} is not registered: ${lastError.message}`);
    },
    served(before: ReadonlyMap<string, ServedResource>, after: ReadonlyMap<string, ServedResource>) {
      for (const event of parentEvents(nodeName, before, after)) recorder.record(event);
    },
    /**
     * Reports links that are still in a sandbox although kubelet released their device. The events name the sandboxes
     * and not the pods, because pods belong to tenants and the events are on the Node.
     */
    stranded(began: readonly AttachedDevice[]) {
      for (const { id, record } of began) {
        const { containerID, ifname, netnsPath } = record.attachment;
        warn(
          'AttachmentsStranded',
          'Detach',
          `kubelet released device ${id} of resource ${record.resource}, but its link ${ifname} is still in sandbox ${containerID} (${netnsPath}): ` +
            'remove that sandbox, for example with crictl rmp, which also removes the link',
        );
      }
    },
    /**
     * Reports attachments whose parent is gone. Call it whenever interfaces change. Each lost attachment is reported
     * only once.
     */
    interfaces() {
      const lost = findLostAttachments(ledger, parents, isSandboxThere);
      const news = lost.filter((device) => !lostBefore.has(keyOf(device)));
      lostBefore = new Set(lost.map(keyOf));
      for (const event of lostAttachmentEvents(nodeName, news)) recorder.record(event);
    },
  };
}

/**
 * Returns the key of an attachment. A later attachment of the same device has another key, because it is in another
 * sandbox.
 */
function keyOf({ id, record }: AttachedDevice): string {
  return `${id} ${record.attachment.containerID}`;
}

type ServedByName = ReadonlyMap<string, ServedResource>;

/**
 * Returns events about the Node for parents that became unusable, and for parents that became usable again. A parent
 * that the node never had causes no event, because policies list the parents of many nodes.
 */
export function parentEvents(node: string, before: ServedByName, after: ServedByName): readonly ClusterEvent[] {
  return [...after.values()].flatMap((served) => {
    const was = before.get(served.name);
    if (served.resource === undefined || was?.resource === undefined || was.fault === served.fault) return [];
    // The node plugin creates a VLAN within milliseconds. If it cannot, the code is another one.
    if (served.fault === 'VlanMissing' || (was.fault === 'VlanMissing' && served.fault === undefined)) return [];
    return [toEvent(node, served.resource, served.fault)];
  });
}

function toEvent(node: string, resource: PlannedResource, fault: ReasonCode | undefined): ClusterEvent {
  const { name, parent } = resource;
  const about = { action: 'Expose', regarding: aboutNode(node) };
  if (fault === undefined) {
    const note = `resource ${name} has devices again, on parent ${parent}`;
    return { ...about, type: 'Normal', reason: 'ParentReturned', note };
  }
  const meanwhile = 'until then its free devices are Unhealthy, and none can be allocated';
  if (fault === 'NothingFound') {
    const what = `parent ${parent} of resource ${name} is gone`;
    const note = `${what}: bring it back, or name another one in ${sourceOf(resource)}; ${meanwhile}`;
    return { ...about, type: 'Warning', reason: 'ParentVanished', note };
  }
  const note = `parent ${parent} of resource ${name} cannot be used: ${reasons[fault]} (${fault}); ${meanwhile}`;
  return { ...about, type: 'Warning', reason: 'ParentUnusable', note };
}

function sourceOf({ policy, source }: PlannedResource): string {
  return policy === undefined ? `what exposes it (${source})` : `policy ${policy}`;
}

/**
 * Finds attachments whose sandbox exists but whose parent is gone. The kernel has removed their macvtaps. A parent that
 * was recreated under the same name has another index, so its attachments are also lost.
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

/**
 * Returns one event about each pod, and one event about the Node for each parent. The Node's events do not name the
 * pods, because pods belong to tenants.
 */
function lostAttachmentEvents(node: string, lost: readonly AttachedDevice[]): readonly ClusterEvent[] {
  const onNode = [...Map.groupBy(lost, ({ record }) => record.parent)].map(([parent, { length }]): ClusterEvent => {
    const note = `parent ${parent} was removed, and with it the macvtaps of ${length} ${length === 1 ? 'attachment' : 'attachments'} of running pods: bring it back and delete those pods, each of which has the event AttachmentLost`;
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
  const note = `${attachment.ifname}${network} is gone: parent ${parent} of resource ${resource} was removed, and with it the macvtap of device ${id}; once the parent is back, delete the pod to attach it again`;
  return [{ type: 'Warning', reason: 'AttachmentLost', action: 'Detach', regarding, note }];
}

function isSandboxThere({ netnsPath, netnsInode }: Attachment): boolean {
  return isSameNetns(netnsPath, netnsInode);
}
