// SPDX-License-Identifier: Apache-2.0
import type { Scope } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/** How to fix a cause. */
export interface Fix {
  /** The fix, as a sentence without a full stop. */
  readonly text: string;
  /** Shell commands to run first, on the nodes of the cause. */
  readonly onNode?: readonly string[];
  /** Commands to run on a machine with kubectl, in order. Empty if a person must decide what to do. */
  readonly commands: readonly string[];
}

/**
 * Why something does not work.
 *
 * @example { code: 'NodeNotSelected', isNote: false, policy: 'macvtap-cni/p', nodes: ['h3'],
 *   detail: 'label macvtapAware=true is missing', fix: { text: 'label the node', commands: ['kubectl label …'] } }
 */
export interface Cause {
  readonly code: CauseCode;
  /** True if the finding is harmless but worth knowing. */
  readonly isNote: boolean;
  /** The objects on the path from the subject to the cause. */
  readonly network?: string;
  readonly resource?: string;
  readonly policy?: string;
  /** The affected nodes, in natural order. */
  readonly nodes?: readonly string[];
  /** The details of this occurrence. */
  readonly detail: string;
  readonly fix: Fix;
}

/** The rule for one cause. Returns every occurrence in a scope. */
export type CauseRule = (scope: Scope, facts: WhyFacts) => readonly Cause[];

/**
 * All causes that `why` can find, with their fixes, in the order in which to fix them. The codes are part of the API.
 * docs/reference/why.md lists the same codes, and a test compares both. A cause that is also a reason in
 * docs/reference/reasons.md has the same code.
 */
export const causes = {
  NotInstalled:
    'kube-macvtap does not run in its namespace; install it, or name its namespace with --installation-namespace',
  WebhookDown:
    'the webhook does not answer: objects are rejected, and pods are created without a device; start it again',
  CertificateExpired: "the API server does not trust the webhook's certificate; restart the webhook, which renews it",
  PluginNotOnNode: "the node plugin's DaemonSet leaves out the node; label the node, or remove its taint",
  PluginNotReady: "the node plugin's pod is not Ready; fix the error in its message or log",
  NodeStateLeftOut: "the node's report exceeds a limit or cannot be read; check the node, then delete its state",
  MacvtapUnsupported: "the node's kernel has no macvtap; load the module, or run another kernel",
  VlanMissing:
    'the VLAN of a resource does not exist; fix the error in the detail, and the node plugin creates the VLAN',
  UpstreamPluginRunning: "macvtap-cni's device plugin serves the resource on the node; remove its DaemonSet",
  PolicyOutsideNamespace: "policies have an effect only in the installation's namespace; create the policy there",
  PolicyInvalid: 'the policy is invalid and exposes nothing; fix its errors',
  ExplicitInvalid:
    "the explicit configuration, macvtap-cni's config map, has an error; fix it at the place in the detail",
  AmbiguousKey:
    'a key in a network or annotation is repeated or has the wrong case; write it once, in the documented case',
  NetworkMissing: 'the pod names a network that does not exist; create it, or recreate the pod with the right name',
  ResourceMissing: 'the network does not name the resource that its pods need; add the annotation',
  ResourceUnknown: 'no policy or node offers the resource of the network; name an offered resource',
  NamespaceNotAdmitted: 'the policy does not admit the namespace; label the namespace, or change the policy',
  NodeUnschedulable: 'the nodes with free devices are cordoned; uncordon one',
  NodeNotSelected: 'the policy does not select the node; label the node',
  Enslaved: 'the interface is a port of a bond, bridge or similar; name that bond or bridge in the policy',
  InterfaceUnsuitable: 'the interface cannot have macvtaps; name another interface',
  ConflictLost:
    'another policy has the same resource name on the node; give this one a lower priority value or another name',
  PassthruExclusive: 'a passthru resource cannot share its parent; put one of the resources on another interface',
  InterfaceAbsent: 'the node does not have the interface in the policy; name one that it has',
  ParentVanished:
    'the parent of a resource is gone, and with it the macvtaps of pods; bring it back, then recreate the pods',
  LinksLost: 'macvtaps of pods were deleted, in most cases with their parent; recreate the pods',
  ParentChanged:
    'the policy now selects another interface, but pods hold devices on the previous one; delete these pods',
  NotRegistered: 'kubelet does not list the resource of the node plugin; restart the plugin, which registers it again',
  DeviceClassMissing:
    'the nodes with the resource use dynamic resource allocation, and no DeviceClass maps it; name it in a policy',
  ModeConflict: 'the network and its resource have different modes; change one of them',
  MtuAboveParent: "the network's MTU exceeds that of the parent; lower it, or raise the MTU of the parent",
  MtuLowered:
    'the MTU of the parent was lowered, and macvtaps of pods keep that MTU; raise it again, then recreate the pods',
  NotInjected: 'the pod was created without the device that its network needs; recreate it while the webhook runs',
  TooManyDevices: 'the pod needs more devices than any node has; raise the quantity',
  AllDevicesHeld: 'pods hold every device of the resource; raise the quantity, or delete one of the pods',
  LinkDown: 'the parent is down; set it up on the node',
  NoCarrier: 'the parent has no carrier; check its cable and switch',
  Draining: 'no source declares the resource anymore; it stays until pods release its devices',
  Shadowed:
    'an earlier entry or interface of the policy has the same resource name; give this one another resourceName',
  FormerParent: 'the pod still uses the parent or mode that its resource had before an edit; recreate the pod',
  StartFailed: 'the pod is not Ready for an unknown reason; fix the failure in its newest event',
} as const satisfies Record<string, string>;

export type CauseCode = keyof typeof causes;
