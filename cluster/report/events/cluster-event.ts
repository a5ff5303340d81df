// SPDX-License-Identifier: Apache-2.0
/** The object of an event. `kubectl describe` finds the events of an object by the UID, if there is one. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Absent for cluster-scoped objects. Their events are in the namespace `default`. */
  readonly namespace?: string;
  readonly uid?: string;
}

/** An event of an object, as `kubectl describe` shows it. */
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
 * Refers to a Node as kubelet does in its events, with the name as the UID. `kubectl describe node` searches for the
 * events with this UID and with the real one (k8s.io/kubectl 0.34, pkg/describe/describe.go, "two UIDs for host
 * events").
 */
export function aboutNode(name: string): Regarding {
  return { apiVersion: 'v1', kind: 'Node', name, uid: name };
}

/** Refers to a policy by its ID, `namespace/name`. */
export function aboutPolicy(id: string, uid: string | undefined): Regarding {
  const [namespace = '', name = ''] = id.split('/');
  const kind = 'MacvtapNetworkNodePolicy';
  const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
  return { apiVersion, kind, namespace, name, ...(uid !== undefined && { uid }) };
}

/** Every event reason. Scripts may rely on the names. docs/reference/events.md has the same table. */
export const eventReasons = {
  AllocateFailed:
    'Node: the node plugin refused to allocate devices or to start a container with them; the pod has an event with the same text',
  AttachFailed: 'Pod: the CNI plugin could not attach the pod to a network; docs/reference/errors.md explains the code',
  AttachmentLost: 'Pod: its macvtap was deleted, in most cases with the parent; recreate the pod',
  AttachmentsStranded:
    'Node: kubelet released a device, but its link is still in a sandbox; the event names the sandbox to delete',
  AttachmentsLost:
    'Node: macvtaps of running pods were deleted, in most cases with their parent; each of these pods has the event AttachmentLost',
  CertificateNotRenewed:
    'Service: the certificate of the webhook is due for renewal and was not renewed; the log of the webhook has the reason',
  CNIPluginMissing: 'Node: the CNI plugin could not be installed in the CNI directory of the container runtime',
  DeviceClassesLeftOut:
    'MacvtapNetworkNodePolicy: its globs match too many interfaces, so some of them have no DeviceClass; the event names a few of them',
  DeviceClassTaken:
    'DeviceClass: it has the name or the extended resource of a class that the webhook would create for a resource, but another owner created it',
  ExplicitInvalid:
    'Node: the explicit configuration has an error, so the node may lack resources; the event names the place of the error and the fix',
  MacvtapUnsupported: 'Node: the running kernel does not support macvtap, so no device can be allocated',
  MtuLowered:
    'Pod: the MTU of its macvtap was lowered with the MTU of the parent; raise the MTU of the parent again, then recreate the pod',
  NotInjected:
    'Pod: it was created without a device for a network, usually while the webhook was down; the event has the command to recreate it',
  NodeStateLeftOut: 'Node: its MacvtapNetworkNodeState exceeds a limit or cannot be read, so it is ignored',
  ParentMtuLowered:
    'Node: the MTU of a parent was lowered, and macvtaps of running pods keep that MTU; each of these pods has the event MtuLowered',
  ParentReturned: 'Node: the parent of a resource can be used again, so the resource has devices again',
  ParentUnusable:
    'Node: a resource has no devices because its parent cannot be used; docs/reference/reasons.md explains the code',
  ParentVanished: 'Node: the parent of a resource no longer exists, so the resource has no devices',
  PolicyConflict:
    'MacvtapNetworkNodePolicy: it loses a conflict with another policy on some nodes; the event names these nodes',
  ResourceNotOffered:
    'NetworkAttachmentDefinition: no node exposes its resource, so pods with this network stay Pending',
  UpstreamPluginRunning: "Node: macvtap-cni's device plugin serves a resource, so kube-macvtap does not register it",
} as const satisfies Record<string, string>;

export type EventReason = keyof typeof eventReasons;
