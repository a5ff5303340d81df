// SPDX-License-Identifier: Apache-2.0
import { aboutNode, type EventRecorder } from '../../cluster/report/events/cluster-event.ts';
import type { EventReason } from '../../cluster/report/events/event-reasons.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { AttachedDevice } from '../cni/attachments.ts';
import { toCNIError } from '../cni/cni-error.ts';
import { newestCNIVersion } from '../cni/cni-version.ts';
import type { AnsweredRequest } from '../cni/observe-request.ts';
import type { ResourcePluginState } from '../deviceplugin/resource-plugin.ts';
import type { Attachment } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ParentLookup, ServedResource } from '../reconcile/served-resource.ts';
import { aboutPod } from './about-pod.ts';
import { findLostAttachments, lostAttachmentEvents } from './lost-attachments.ts';
import { parentEvents } from './parent-events.ts';

export interface EventsOptions {
  readonly nodeName: string;
  readonly recorder: EventRecorder;
  readonly ledger: Pick<Ledger, 'entries'>;
  readonly parents: Pick<ParentLookup, 'has'>;
  /** Whether the sandbox of an attachment is there; by its namespace where nothing else is given. */
  readonly isSandboxThere?: (attachment: Attachment) => boolean;
}

/** What the node plugin tells as events, on its Node and on the pods that something happens to. */
export function createEvents({ nodeName, recorder, ledger, parents, isSandboxThere }: EventsOptions) {
  const regarding = aboutNode(nodeName);
  const warn = (reason: EventReason, action: string, note: string) =>
    recorder.record({ type: 'Warning', reason, action, regarding, note });
  let lostBefore: ReadonlySet<string> = new Set();
  return {
    macvtapSupport(isThere: boolean) {
      if (isThere) return;
      warn(
        'MacvtapUnsupported',
        'Start',
        'the kernel has no macvtap: no device can be given out; load the module macvtap or change the kernel',
      );
    },
    shim(error: MacvtapError | undefined) {
      if (error !== undefined) warn('CNIPluginMissing', 'Install', `no pod can be attached: ${error.message}`);
    },
    /** `method` as gRPC has it: `/v1beta1.DevicePlugin/Allocate`. */
    failedCall(resource: string, method: string, error: MacvtapError) {
      const action = method.slice(method.lastIndexOf('/') + 1);
      if (error.code === 'Aborted' || !['Allocate', 'PreStartContainer'].includes(action)) return;
      warn('AllocateFailed', action, `${action} of resource ${resource}: ${error.message} (${error.code})`);
    },
    answeredRequest({ failure }: Pick<AnsweredRequest, 'failure'>) {
      if (failure === undefined) return;
      const { operation, error, environment } = failure;
      const pod = environment?.command === 'ADD' && environment.pod && aboutPod(environment.pod);
      // Whatever ended it asks again.
      if (!pod || error.code === 'Aborted') return;
      const { code, msg, details } = toCNIError(error, newestCNIVersion, operation);
      const note = `${msg} (${details}, CNI error ${code})`;
      recorder.record({ type: 'Warning', reason: 'AttachFailed', action: 'ADD', regarding: pod, note });
    },
    resourceState(resource: string, { phase, lastError }: ResourcePluginState) {
      if (phase !== 'waiting' || lastError?.code !== 'UpstreamPluginRunning') return;
      warn('UpstreamPluginRunning', 'Register', `${resource} is not registered: ${lastError.message}`);
    },
    served(before: ReadonlyMap<string, ServedResource>, after: ReadonlyMap<string, ServedResource>) {
      for (const event of parentEvents(nodeName, before, after)) recorder.record(event);
    },
    /** To be called when interfaces changed: each attachment is told once for as long as it is lost. */
    interfaces() {
      const lost = findLostAttachments(ledger, parents, isSandboxThere);
      const news = lost.filter((device) => !lostBefore.has(keyOf(device)));
      lostBefore = new Set(lost.map(keyOf));
      for (const event of lostAttachmentEvents(nodeName, news)) recorder.record(event);
    },
  };
}

/** An attachment of a device; the next one is of another sandbox. */
function keyOf({ id, record }: AttachedDevice): string {
  return `${id} ${record.attachment.containerID}`;
}
