// SPDX-License-Identifier: Apache-2.0

/**
 * Every cause that `why` can name, with what mends it, in the order in which they are to be mended. Codes are contracts: docs/why.md lists the same and a test compares
 * both ways. Where a reason of docs/reasons.md says the same, the code is the same.
 */
export const causes = {
  NotInstalled:
    'kube-macvtap does not run in its namespace; install it, or say where it is with --installation-namespace',
  WebhookDown: 'the webhook does not answer: objects are refused, and pods are made without a device; start it again',
  CertificateExpired: "the API server does not believe the webhook's certificate; the webhook renews it when it starts",
  PluginNotOnNode: 'the DaemonSet of the node plugin leaves the node out; label it, or take the taint away',
  PluginNotReady: "the node plugin's pod does not run, or not well; its message and its log say why",
  MacvtapUnsupported: "the node's kernel has no macvtap; load the module, or run another kernel",
  UpstreamPluginRunning: "macvtap-cni's own plugin serves the resource on the node; remove its DaemonSet",
  PolicyOutsideNamespace: "a policy counts only in the installation's namespace; make it there",
  PolicyInvalid: 'the policy has faults and exposes nothing; mend them',
  NetworkMissing: 'the pod names a network that does not exist; make it, or name the right one in a new pod',
  ResourceMissing: 'the network does not say which resource its pods need; annotate it',
  ResourceUnknown: 'nobody offers the resource that the network names; name one that is offered',
  NamespaceNotAdmitted: 'the policy does not admit the namespace; label the namespace, or change the policy',
  NodeNotSelected: 'the policy does not select the node; label the node',
  Enslaved: 'the interface belongs to a bond, bridge or the like; name that one in the policy',
  InterfaceUnsuitable: 'no macvtap can stand on the interface; name another one',
  ConflictLost:
    'another policy has the resource name on the node; give this one a lower priority value or another name',
  PassthruExclusive: 'a passthru resource shares its parent with nobody; put the other one on another interface',
  InterfaceAbsent: 'the node has no interface that the policy names; name one that it has',
  ParentVanished:
    'the interface under a resource is gone, and with it what pods had; bring it back, make the pods anew',
  LinksLost: 'the interface under a resource went and came back, and the links of pods did not; make the pods anew',
  ParentChanged: 'the policy finds another interface, and pods still hold devices on the one before; release them',
  NotRegistered: 'kubelet does not know what the node plugin offers; it is registered again when the plugin restarts',
  ModeConflict: 'the network wants another mode than its device has; change one of the two',
  MtuAboveParent: "the network's MTU is above that of the interface below; lower it, or raise that one's",
  NotInjected: 'the pod was made without the device that its network needs; make it anew while the webhook is there',
  TooManyDevices: 'the pod needs more devices than any node has; raise the quantity',
  AllDevicesHeld: 'pods hold every device of the resource; raise the quantity, or delete one of them',
  LinkDown: 'the interface below is down; set it up on the node',
  NoCarrier: 'the interface below has no carrier; look after its cable or its switch',
  Draining: 'nothing asks for the resource any more; it stays for the pods that hold its devices, and goes with them',
  Shadowed: 'another entry of the policy, or another interface, comes first; give it a resourceName of its own',
} as const satisfies Record<string, string>;

export type CauseCode = keyof typeof causes;
