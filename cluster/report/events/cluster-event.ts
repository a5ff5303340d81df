// SPDX-License-Identifier: Apache-2.0
/** The object of an event. `kubectl describe` finds the events of an object by its UID, if it has one. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Absent for cluster-scoped objects, whose events are in the namespace `default`. */
  readonly namespace?: string;
  readonly uid?: string;
}

/** Something that happened to an object, as `kubectl describe` shows it. */
export interface ClusterEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** The action that succeeded or failed. @example 'Allocate' */
  readonly action: string;
  readonly regarding: Regarding;
  /**
   * The cause and the fix. A note must not contain secrets or request bodies. The writer cuts it to the length limit of
   * events.
   */
  readonly note: string;
}

/** Records events in the background and returns at once. */
export interface EventRecorder {
  record(event: ClusterEvent): void;
}

/**
 * Refers to a Node as kubelet does in its events: with the name as the UID. `kubectl describe node` searches for both
 * (k8s.io/kubectl 0.34, pkg/describe/describe.go, "two UIDs for host events").
 */
export function aboutNode(name: string): Regarding {
  return { apiVersion: 'v1', kind: 'Node', name, uid: name };
}

/** Every event reason. The names are a contract: docs/reference/events.md has the same table. */
export const eventReasons = {
  AllocateFailed:
    'Node: kubelet requested devices, or a container start with them, and was refused; the pod shows the same text',
  AttachFailed: 'Pod: the CNI plugin could not attach the pod to a network; docs/reference/errors.md explains the code',
  AttachmentLost: 'Pod: its macvtap was deleted, in most cases with the parent; delete the pod to recreate it',
  AttachmentsStranded:
    'Node: kubelet released a device, and its link is still in a sandbox; the event names the sandbox to delete',
  AttachmentsLost:
    'Node: macvtaps of running pods were deleted, in most cases with their parent; each pod has the event AttachmentLost',
  CertificateNotRenewed:
    'Service: the certificate of the webhook is due for renewal and was not renewed; the log of the webhook has the reason',
  CNIPluginMissing: 'Node: the CNI plugin could not be installed in the CNI directory of the container runtime',
  ExplicitInvalid:
    'Node: the explicit configuration has an error, so the node may lack resources; the event has its place and the command that fixes it',
  MacvtapUnsupported: 'Node: the running kernel does not support macvtap, so no device can be allocated',
  MtuLowered:
    'Pod: the MTU of its macvtap was lowered with the MTU of the parent; raise that again, then delete the pod to recreate it',
  NotInjected:
    'Pod: it has no device for a network, because the webhook was unavailable when the pod was created; to recreate it, run the command in the event',
  NodeStateLeftOut:
    'Node: its MacvtapNetworkNodeState exceeds a limit or cannot be read, so the node counts as one that has not reported',
  ParentMtuLowered:
    'Node: the MTU of a parent was lowered, and macvtaps of running pods keep that MTU; each pod has the event MtuLowered',
  ParentReturned: 'Node: the parent of a resource can be used again, so the resource has devices again',
  ParentUnusable:
    'Node: a resource has no devices because its parent cannot be used; docs/reference/reasons.md explains the code',
  ParentVanished: 'Node: the parent of a resource no longer exists, so the resource has no devices',
  PolicyConflict: 'MacvtapNetworkNodePolicy: another policy comes first on some nodes; the event names them',
  ResourceNotOffered: 'NetworkAttachmentDefinition: no node exposes its resource, so pods with it stay Pending',
  UpstreamPluginRunning: "Node: macvtap-cni's device plugin serves a resource, so kube-macvtap does not register it",
} as const satisfies Record<string, string>;

export type EventReason = keyof typeof eventReasons;
