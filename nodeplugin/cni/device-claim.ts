// SPDX-License-Identifier: Apache-2.0

import type { Regarding } from '../../cluster/report/events/cluster-event.ts';
import type { HeldDevices, PodName } from '../podresources/held-devices.ts';
import type { HeldDevicesWatch } from '../podresources/watch-held-devices.ts';

/** The facts that decide whether a pod may use a device. */
export interface ClaimFacts {
  /** The pod to attach. Absent if the runtime does not name it. */
  readonly pod: (PodName & { readonly uid?: string }) | undefined;
  /** Absent if the ledger does not contain the device. */
  readonly record: RecordedClaim | undefined;
  /**
   * The pods for which kubelet lists the device. Undefined if kubelet lists none, but may not know all pods of the node
   * yet.
   */
  readonly holders: readonly PodName[] | undefined;
}

/** The part of a ledger record that shows which pod has used the device since its last Allocate. */
export interface RecordedClaim {
  /** The pod of the last ADD: `vms/vm-a`. Absent before the first ADD, and if the runtime named no pod. */
  readonly pod?: string | undefined;
  /** The UID of that pod. Absent in records of older versions, and if the runtime passed no UID. */
  readonly uid?: string | undefined;
  /** Whether kubelet has listed the device for a pod. Kubelet never lists devices of ordinary init containers. */
  readonly listed: boolean;
  /**
   * Where the recorded attachment is: in the namespace of this ADD (`own`), in another existing namespace (`other`), or
   * in a namespace that no longer exists (`gone`). `none` means that no attachment is recorded.
   */
  readonly sandbox: 'none' | 'own' | 'other' | 'gone';
}

/**
 * The decision whether a pod may use a device. If it may, `taken` is the reason:
 *
 * - `by-kubelet`: kubelet lists the device for the pod.
 * - `by-ledger`: the ledger names the pod.
 * - `first`: the pod is the first to use the device.
 */
export type Claim =
  | { readonly taken: 'by-kubelet' | 'by-ledger' | 'first' }
  | {
      readonly refused:
        | 'AnotherPods'
        | 'FormerPods'
        | 'InOtherSandbox'
        | 'Released'
        | 'NeverAllocated'
        | 'NotListedYet';
    };

/**
 * Decides whether a pod may use a device, based on kubelet's list and the ledger:
 *
 * - A list of holders from kubelet takes precedence over the ledger. It identifies pods only by namespace and name,
 *   because `PodResources` has no UID as of Kubernetes 1.37, neither in List nor in Get
 *   (staging/src/k8s.io/kubelet/pkg/apis/podresources/v1/api.proto).
 * - The ledger distinguishes two pods of the same name by their UIDs. If the record or the request has no UID, only the
 *   names are compared.
 * - If kubelet listed a device before, and now knows all its pods but lists none for the device, it has released the
 *   device.
 * - Kubelet does not list devices of ordinary init containers. If kubelet never listed a device, the ledger decides. If
 *   the ledger names no pod either, the first pod may use the device.
 */
export function decideClaim({ pod, record, holders }: ClaimFacts): Claim {
  const claimant = record === undefined ? 'none' : compare(pod, record);
  if (holders !== undefined && holders.length > 0) {
    if (pod !== undefined && !holders.some((holder) => describePod(holder) === describePod(pod)))
      return { refused: 'AnotherPods' };
    return claimant === 'namesake' ? { refused: 'FormerPods' } : { taken: 'by-kubelet' };
  }
  if (record === undefined) return { refused: holders === undefined ? 'NotListedYet' : 'NeverAllocated' };
  const isFree = record.sandbox !== 'other';
  const isReleased = holders !== undefined && record.listed;
  if (claimant === 'same' && !isReleased) return { taken: 'by-ledger' };
  if (claimant === 'none' && isFree && !isReleased) return { taken: 'first' };
  if (holders === undefined) return { refused: 'NotListedYet' };
  return { refused: isFree || claimant === 'same' ? 'Released' : 'InOtherSandbox' };
}

/** Returns a pod's name in the form that the ledger records. */
export function describePod({ namespace, name }: PodName): string {
  return `${namespace}/${name}`;
}

/**
 * Compares a pod with the recorded pod. `namesake` means another pod of the same name, such as the replacement of a
 * StatefulSet's pod.
 */
function compare(pod: ClaimFacts['pod'], record: RecordedClaim): 'none' | 'same' | 'namesake' | 'other' {
  if (record.pod === undefined) return 'none';
  if (pod === undefined || describePod(pod) !== record.pod) return 'other';
  const differs = pod.uid !== undefined && record.uid !== undefined && pod.uid !== record.uid;
  return differs ? 'namesake' : 'same';
}

/**
 * Lookups of a device's holders: the pods for which kubelet lists the device. A result is undefined if kubelet lists no
 * holder, but may not know all pods of its node yet.
 */
export interface DeviceHolders {
  /**
   * Returns the holders according to kubelet's last answer, without a new request. Also returns undefined if that
   * answer is older than the device's last Allocate.
   */
  known(deviceID: string): readonly PodName[] | undefined;
  /**
   * Returns the holders after a new request to kubelet. If `likely` is one of them, the result may lack the others,
   * because kubelet is then asked only for that pod. The others would not change the decision of `decideClaim`.
   */
  ask(deviceID: string, signal: AbortSignal, likely?: PodName): Promise<readonly PodName[] | undefined>;
  /**
   * Returns whether kubelet, knowing all pods of the node, has listed a holder since the device's last Allocate.
   * Answers to former processes do not count.
   */
  wasListed(deviceID: string): boolean;
}

/** Facts of the held tracker: the time of a device's last Allocate, and kubelet's answers since then. */
interface AllocationHistory {
  wasGivenOutSince(id: string, askedAtMs: number): boolean;
  wasListed(id: string): boolean;
}

/** Creates the lookups of a device's holders from the watch of held devices. */
export function createDeviceHolders(
  watch: Pick<HeldDevicesWatch, 'current' | 'refresh' | 'confirm'>,
  { wasGivenOutSince, wasListed }: AllocationHistory,
): DeviceHolders {
  const read = (held: HeldDevices | undefined, id: string): readonly PodName[] | undefined => {
    const listed = held?.devices.get(id)?.pods;
    if (listed !== undefined) return listed;
    return held?.complete === true ? [] : undefined;
  };
  return {
    known(id) {
      const { current } = watch;
      return current !== undefined && wasGivenOutSince(id, current.askedAtMs) ? undefined : read(current, id);
    },
    ask: async (id, signal, likely) => {
      if (likely !== undefined && (await watch.confirm(id, likely, signal))) return [likely];
      return read(await watch.refresh(signal), id);
    },
    wasListed,
  };
}

/**
 * Returns a reference to the pod that an event is about, or undefined if no pod can have these names. The reference
 * contains the UID, because `kubectl describe pod` finds events by UID.
 */
export function aboutPod(pod: {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
}): Regarding | undefined {
  const { namespace, name, uid } = pod;
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) return undefined;
  if (name.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return undefined;
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, ...(uid !== undefined && { uid: uid.slice(0, 64) }) };
}
