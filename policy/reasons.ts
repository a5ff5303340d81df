// SPDX-License-Identifier: Apache-2.0

/**
 * All reasons of verdicts and findings, by code. The codes are part of the API: docs/reference/reasons.md has the same
 * list, and a test compares both. The texts are constant. The values of a specific case are in the verdict or finding.
 */
export const reasons = {
  // Why an entry, a tag or an interface did not become a resource on a node.
  NothingFound: 'no interface of the node matches',
  Loopback: 'the loopback interface cannot have a macvtap',
  NotEthernet: 'not an Ethernet interface',
  MacvtapOrMacvlan: 'a macvtap or macvlan itself; name its parent instead',
  Enslaved: 'a port of another interface, such as a bond; name that interface instead',
  VlanOnVlan: 'a VLAN itself, so vlan would add a second tag; name the interface below it, or remove vlan',
  VlanProtocol: 'the interface has an 802.1ad VLAN with this ID, and only 802.1Q VLANs can be parents',
  VlanNameTaken: 'another link has the name that the VLAN would get',
  CarriesNodeTraffic:
    "mode passthru would cut off the node's own traffic on this interface; to allow this, set allowHostInterface",
  IllegalResourceName: 'the name is not a legal Kubernetes resource name; give the entry a resourceName',
  KindNotExposed: 'this kind of link is not exposed implicitly; name it in a policy or add its kind to linkKinds',
  ExcludedByName: 'its name matches implicitExclude, so it is not exposed implicitly',
  UnknownMode: 'not a macvtap mode (bridge, private, vepa, passthru)',
  Shadowed: 'another interface or entry with the same resource name comes first',
  RepeatedName: 'the configuration repeats this name; its last entry counts',
  PassthruQuantity: 'a parent in mode passthru has only one device, so the quantity is 1',
  QuantityAboveLimit: 'a resource has at most 4096 devices; the quantity was lowered',
  ExplicitInvalid: 'the explicit configuration is invalid',
  PolicyInvalid: 'the policy has errors and exposes nothing until they are fixed',
  PolicyOutsideNamespace: "policies have an effect only in the installation's namespace",

  // Why a resource lost to another one on the same node.
  ResourceNameTaken: 'another policy with precedence exposes a resource with this name',
  PassthruExclusive: 'a passthru resource cannot share its parent with another resource; the first of the two wins',

  // Why a resource registered with kubelet has no allocatable devices for now.
  ParentChanged:
    "the node's interfaces changed and another parent is selected now, but pods hold devices on the previous one",
  Draining: 'no source declares it any more; it stays until pods release its devices',

  UpstreamPluginRunning:
    "macvtap-cni's device plugin serves it on this node; remove that plugin, and kube-macvtap registers it",
  VlanMissing: 'its VLAN does not exist; the node plugin is about to create it',
  VlanFailed: "its VLAN could not be created; the node plugin tries again. The node's troubles contain the error",
  VlanUnsupported: "the node's kernel has no 802.1Q VLANs; load the module 8021q or boot another kernel",
  DraUnavailable: 'the node is configured for DRA, which it cannot use; it keeps the device plugin API',
  MacvtapUnsupported: "the node's kernel has no macvtap; load the module macvtap or boot another kernel",

  // Problems of a resource whose devices are Healthy.
  LinkDown: 'the parent is down; pods get devices, but no frames pass until the parent is up',
  LinksLost:
    'links of pods were deleted, in most cases with the parent; recreate these pods. The field lost has their number',
  MtuLowered: "the parent's MTU was lowered, and links of pods keep that MTU. The field mtuLowered has their number",
  AttachmentsStranded: 'kubelet released devices, but their links are still in sandboxes; delete these sandboxes',
  NoCarrier: 'the parent has no carrier; pods get devices, but reach only pods on this node until the carrier is back',

  // Errors in the text of a policy or a file.
  ParentAmbiguous: 'an entry needs exactly one of parentIface and nicSelector',
  IllegalVlan: 'a VLAN ID is an integer from 1 to 4094',
  NameInBothForms: 'in a policy with spec.resourceName, entries cannot have a resourceName',
  BadGlob: 'not a shell glob',
  BadSelectorValue: 'a label value must be a string; only booleans and integers are converted to strings',
  BadLabel: 'not a legal label key or value',
  BadRequirement: 'the operator does not accept these values',
  BadFieldRequirement: 'matchFields accepts only the key metadata.name, with In or NotIn and one value',
  NotYAML: 'the file cannot be read as YAML',
  SchemaFault: 'does not match the schema',
  FileUnreadable: 'the file cannot be read',
  RepeatedObject: 'the object is in the files more than once; the first one counts',

  // Effects of a valid policy, or of its change, that may surprise its author.
  SelectsEveryNode:
    'without nodeSelector and nodeAffinity, the policy selects every node, including nodes that join later',
  PolicyOverlap: 'another policy conflicts with this one on the same nodes; only one of the two takes effect there',
  ResourceLost: 'nodes stop exposing the resource; devices in use remain until pods release them',
  ResourceChanged: 'nodes expose the resource with other properties; devices in use do not change',
  ResourceGained: 'nodes begin to expose the resource',
  NamespacesLost: 'pods of these namespaces may no longer use the resources; running pods keep their devices',
  InterfaceNotFound: 'no selected node has this interface, but each has an interface with a similar name',
  InterfacesUnknown: 'the effect is unknown for nodes that have not reported their interfaces',

  // Errors and warnings about a NetworkAttachmentDefinition.
  ConfigNotJson: 'the config must be a string that contains one JSON object',
  ConfigOnNodes:
    'without a config, Multus uses a file with this name on each node; the webhook cannot check these files',
  RepeatedKey: 'the config repeats a key; the last one counts',
  AmbiguousKey: 'Multus and CNI plugins ignore the case of keys, and use the last of several matching keys',
  TypeMissing: 'the config needs a type, or a list of plugins that each have a type',
  TypeMisspelled: 'CNI looks for a program of this name, which is almost macvtap; pods fail if there is none',
  PluginsTooMany: 'the config has more plugins of type macvtap than can be checked',
  PluginsIgnored: 'if a config has a type, Multus runs only this type and ignores the plugins',
  IllegalNetworkName: 'a network name has only letters, digits and . _ -, and starts with a letter or digit',
  UnsupportedCniVersion: 'the plugin supports CNI 0.3.0, 0.3.1, 0.4.0, 1.0.0 and 1.1.0',
  ResourceMissing: 'a macvtap network must name its resource in the annotation k8s.v1.cni.cncf.io/resourceName',
  ResourceForeign: 'a macvtap network needs a resource named macvtap.network.kubevirt.io/<name>',
  ResourceUnknown: 'no policy and no node offers this resource',
  NamespaceNotAdmitted: 'a policy that offers the resource does not admit this namespace',
  ParentNotOffered: 'the resource uses another parent; the policy decides, not the config',
  ModeNotOffered: 'the resource is not offered in this mode',
  ModeVaries: 'some nodes offer the resource in another mode, and pods fail there',
  UnknownModeFrom: 'modeFrom must be "policy" or absent',
  IllegalMtu: 'the MTU is an integer from 68 to 65535',
  MtuAboveParent: "the MTU is above the parent's MTU on some nodes, and pods fail there",
  IllegalMac: 'the MAC is a unicast address such as 52:54:00:12:34:56',
  IllegalOwner: 'owner and group are numeric IDs from 0 to 4294967294',
  IllegalMulticast: 'multicast is "all" or "none"',
  IllegalPromiscMode: 'promiscMode is true or false',
  IllegalValue: 'the plugin or its caller expects another kind of value here',
  IpamUnsupported: 'the macvtap plugin assigns no IP addresses, and ignores keys that request them',
  UnknownKey: 'the plugin does not know this key and ignores it',

  // Errors and warnings about a pod.
  NetworksUnreadable: 'Multus rejects a pod whose annotation it cannot read, or ignores the annotation',
  NetworkMissing:
    'the network does not exist: the pod cannot start, and gets no device even if the network is created later',
  NotInjected:
    'the request for a device that the pod needs could not be added to a container; the pod will fail at CNI ADD',
  ClaimUnknown: 'a claim of the pod is not known, and it may give the devices that would be added for the networks',
  NamespaceUnknown:
    'a policy restricts the resource to some namespaces, and the labels of this namespace are not known',
  PassthruMac: 'a device in mode passthru has the MAC address of its NIC, and CNI ADD refuses any other address',
  TooManyDevices: 'the pod needs more devices of the resource than any node has, so it will stay Pending',
} as const satisfies Record<string, string>;

export type ReasonCode = keyof typeof reasons;

/** Deny rejects the object; warn does not. */
type Severity = 'deny' | 'warn';

/**
 * A finding of a rule at one place of an object.
 *
 * @example { code: 'BadGlob', path: 'spec.parentSelector[0].nicSelector.names[1]', severity: 'deny',
 *   reason: 'not a shell glob', detail: 'ens[: the bracket is not closed' }
 */
export interface Verdict {
  readonly code: ReasonCode;
  readonly path: string;
  readonly severity: Severity;
  readonly reason: string;
  readonly detail: string;
}

/** Returns a verdict that rejects the object. */
export function deny(code: ReasonCode, path: string, detail: string): Verdict {
  return { code, path, severity: 'deny', reason: reasons[code], detail };
}

/** Returns a verdict that does not reject the object. */
export function warn(code: ReasonCode, path: string, detail: string): Verdict {
  return { code, path, severity: 'warn', reason: reasons[code], detail };
}
