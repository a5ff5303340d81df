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
import { type AttachedDevice, attachmentKey, isSandboxThere, listAttached } from './cni/attachments.ts';
import { aboutPod } from './cni/device-claim.ts';
import { newestCNIVersion, toCNIError } from './cni/spec/cni-protocol.ts';
import type { ResourcePluginState } from './deviceplugin/resource-plugin.ts';
import type { Attachment } from './ledger/device-record.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { ParentLookup, ServedResource } from './reconcile/served-resource.ts';
import type { LinkDamage, LoweredLink } from './reconcile/watch-attached-links.ts';

export interface EventsOptions {
  readonly nodeName: string;
  readonly recorder: EventRecorder;
  readonly ledger: Pick<Ledger, 'entries'>;
  readonly parents: Pick<ParentLookup, 'nameOf'>;
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
  let lostByItself: ReadonlySet<string> = new Set();
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
    /** Reports a problem of the explicit configuration, unless the last call already had the same problem. */
    explicitConfiguration(trouble: string | undefined) {
      if (trouble !== undefined && trouble !== explicitBefore) {
        const note = `${trouble}. Until it is fixed, the node uses the last valid version that it read; a restart of the node plugin discards that version`;
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
     * Reports links that are still in a sandbox although kubelet released their device. The events are about the Node.
     * They name the sandboxes, but not the pods, because pods belong to tenants.
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
     * Reports attachments whose parent is gone, each of them once. Must be called whenever interfaces change.
     */
    interfaces() {
      const lost = findLostAttachments(ledger, parents, isSandboxThere);
      const news = lost.filter((device) => ![lostBefore, lostByItself].some((keys) => keys.has(attachmentKey(device))));
      lostBefore = new Set(lost.map(attachmentKey));
      for (const event of lostAttachmentEvents(nodeName, news, withParent)) recorder.record(event);
    },
    /** Reports damage to links whose parent exists. Call it once for each damage. */
    linkDamage({ lost, lowered }: LinkDamage) {
      // If the parent also disappears later, the loss is not reported twice.
      lostByItself = new Set([
        ...listAttached(ledger)
          .map(attachmentKey)
          .filter((key) => lostByItself.has(key)),
        ...lost.map(attachmentKey),
      ]);
      for (const event of lostAttachmentEvents(nodeName, lost, withoutParent)) recorder.record(event);
      for (const event of loweredLinkEvents(nodeName, lowered)) recorder.record(event);
    },
  };
}

type ServedByName = ReadonlyMap<string, ServedResource>;

/**
 * Returns events about the Node for parents that became unusable or usable again. A parent that the node never had
 * causes no event, because a policy lists the parents of many nodes.
 */
export function parentEvents(node: string, before: ServedByName, after: ServedByName): readonly ClusterEvent[] {
  return [...after.values()].flatMap((served) => {
    const was = before.get(served.name);
    if (served.resource === undefined || was?.resource === undefined || was.fault === served.fault) return [];
    // The node plugin creates a VLAN within milliseconds. If that fails, the code changes.
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
  return policy === undefined ? `the configuration that exposes it (${source})` : `policy ${policy}`;
}

/**
 * Finds attachments whose sandbox exists but whose parent is gone. The kernel has removed their macvtaps. A parent that
 * was recreated under the same name has another index, so its attachments are also lost.
 */
export function findLostAttachments(
  ledger: Pick<Ledger, 'entries'>,
  parents: Pick<ParentLookup, 'nameOf'>,
  isAlive: (attachment: Attachment) => boolean = isSandboxThere,
): readonly AttachedDevice[] {
  return listAttached(ledger).filter(
    ({ record: { parentIfindex, attachment } }) =>
      parentIfindex !== undefined && parents.nameOf(parentIfindex) === undefined && isAlive(attachment),
  );
}

/** The texts about a loss: on the Node, with a number of attachments, and on a pod, with its device. */
interface LossTexts {
  readonly node: (parent: string, macvtaps: string) => string;
  readonly pod: (parent: string, device: string) => string;
}

const withParent: LossTexts = {
  node: (parent, macvtaps) =>
    `parent ${parent} was removed, and with it ${macvtaps}: bring the parent back, then delete these pods; each of them has the event AttachmentLost`,
  pod: (parent, device) =>
    `parent ${parent} was removed, and with it the macvtap of ${device}; once the parent is back, delete the pod to attach it again`,
};

const withoutParent: LossTexts = {
  node: (parent, macvtaps) =>
    `${macvtaps} were deleted, although parent ${parent} exists, for example because the module macvtap was unloaded: delete these pods; each of them has the event AttachmentLost`,
  pod: (parent, device) =>
    `the macvtap of ${device} was deleted, although parent ${parent} exists; delete the pod to attach it again`,
};

/**
 * Returns one event about each pod, and one event about the Node for each parent. The Node's events do not name the
 * pods, because pods belong to tenants.
 */
function lostAttachmentEvents(
  node: string,
  lost: readonly AttachedDevice[],
  texts: LossTexts,
): readonly ClusterEvent[] {
  const about = { type: 'Warning', action: 'Detach', regarding: aboutNode(node) } as const;
  const onNode = byParent(lost).map(([parent, macvtaps]): ClusterEvent => {
    return { ...about, reason: 'AttachmentsLost', note: texts.node(parent, macvtaps) };
  });
  const onPods = lost.flatMap((device) => {
    const { id, record } = device;
    const note = `${interfaceOf(device)} is gone: ${texts.pod(record.parent, `device ${id} of resource ${record.resource}`)}`;
    return toPodEvent(device, { type: 'Warning', reason: 'AttachmentLost', action: 'Detach', note });
  });
  return [...onNode, ...onPods];
}

function loweredLinkEvents(node: string, lowered: readonly LoweredLink[]): readonly ClusterEvent[] {
  const about = { type: 'Warning', action: 'Attach', regarding: aboutNode(node) } as const;
  const onNode = byParent(lowered).map(([parent, macvtaps]): ClusterEvent => {
    const note = `the MTU of parent ${parent} was lowered, and with it that of ${macvtaps}, which keep it: raise it again, then delete these pods; each of them has the event MtuLowered`;
    return { ...about, reason: 'ParentMtuLowered', note };
  });
  const onPods = lowered.flatMap((device) => {
    const { parent, attachment } = device.record;
    const what = `${interfaceOf(device)} has MTU ${device.mtu} instead of ${attachment.mtu}`;
    const note = `${what}, because the MTU of parent ${parent} was lowered: raise that again, then delete the pod to attach it with the higher MTU`;
    return toPodEvent(device, { type: 'Warning', reason: 'MtuLowered', action: 'Attach', note });
  });
  return [...onNode, ...onPods];
}

/** Groups attachments by their parent, with a text for their number. */
function byParent(devices: readonly AttachedDevice[]): readonly (readonly [string, string])[] {
  return [...Map.groupBy(devices, ({ record }) => record.parent)].map(([parent, { length }]) => [
    parent,
    `the macvtaps of ${length} ${length === 1 ? 'attachment' : 'attachments'} of running pods`,
  ]);
}

function interfaceOf({ record: { attachment } }: AttachedDevice): string {
  return attachment.network === undefined ? attachment.ifname : `${attachment.ifname} of network ${attachment.network}`;
}

function toPodEvent({ record }: AttachedDevice, event: Omit<ClusterEvent, 'regarding'>): readonly ClusterEvent[] {
  const { pod = '', attachment } = record;
  const [namespace = '', name = ''] = pod.split('/');
  const regarding = aboutPod({ namespace, name, ...(attachment.podUID !== undefined && { uid: attachment.podUID }) });
  return regarding === undefined ? [] : [{ ...event, regarding }];
}
