// SPDX-License-Identifier: Apache-2.0

/**
 * Every reason of the engine's verdicts and findings, by code. Codes are contracts: docs/reference/reasons.md has the
 * same list, and a test compares both. The texts are constant: verdicts and findings carry the values of a case.
 */
export const reasons = {
  // Why an entry, a tag or an interface did not become a resource on a node.
  NothingFound: 'no interface of the node matches',
  Loopback: 'the loopback interface cannot carry a macvtap',
  NotEthernet: 'not an Ethernet interface',
  MacvtapOrMacvlan: 'a macvtap or macvlan itself; name its parent instead',
  Enslaved: 'enslaved to another interface; name that one instead',
  VlanOnVlan: 'a VLAN itself, and vlan would add a second tag; name the interface below it, or leave vlan out',
  VlanProtocol: 'the interface has a VLAN of this ID with protocol 802.1ad, and only 802.1Q can be used',
  VlanNameTaken: 'another link has the name that the VLAN would get',
  CarriesNodeTraffic:
    "passthru would take an interface that carries the node's own traffic; set allowHostInterface to insist",
  IllegalResourceName: 'the name is not a legal Kubernetes resource name; give the entry a resourceName',
  KindNotExposed: 'this kind of link is not exposed implicitly; name it in a policy or add the kind to the list',
  ExcludedByName: 'on the list of names that are not exposed implicitly',
  UnknownMode: 'not a macvtap mode (bridge, private, vepa, passthru)',
  Shadowed: 'another interface or entry with the same resource name comes first',
  RepeatedName: 'the configuration repeats this name; its last entry counts',
  PassthruQuantity: 'a passthru parent carries one device, so the quantity is 1',
  QuantityAboveLimit: 'a resource has at most 4096 devices; the quantity was lowered',
  ExplicitInvalid: 'the explicit configuration is invalid',
  PolicyInvalid: 'the policy has errors and exposes nothing until they are fixed',
  PolicyOutsideNamespace: "policies count only in the installation's namespace",

  // Why a resource lost to another one on the same node.
  ResourceNameTaken: 'another policy that comes first exposes a resource of this name',
  PassthruExclusive: 'a passthru resource and any other cannot share a parent; the first one has it',

  // Why a resource registered with kubelet has no allocatable devices for now.
  ParentChanged: 'its interfaces changed, and it would move to another parent while pods hold devices on this one',
  Draining: 'nothing asks for it any more; it stays for the pods that hold its devices',

  UpstreamPluginRunning: "macvtap-cni's own plugin serves it on this node; remove that, and it is registered by itself",
  VlanMissing: 'its VLAN does not exist now; the node plugin creates it',
  VlanFailed: 'its VLAN could not be created; the error is in the troubles of the node, and it is tried again',
  VlanUnsupported: 'the kernel of the node has no 802.1Q VLANs; load the module 8021q or change the kernel',
  MacvtapUnsupported: 'the kernel of the node has no macvtap; load the module macvtap or change the kernel',

  // Problems of a resource whose devices are Healthy.
  LinkDown: 'the parent is administratively down; devices are given out, and pass no frame until it is up',
  LinksLost: 'the parent disappeared with the links of pods; recreate those pods. The field lost has their number',
  AttachmentsStranded: 'kubelet released devices whose links are still in sandboxes; end those sandboxes',
  NoCarrier: 'the parent has no carrier; devices are given out, and reach only this node until it has one',

  // Errors in the text of a policy or a file.
  ParentAmbiguous: 'an entry needs exactly one of parentIface and nicSelector',
  IllegalVlan: 'a VLAN ID is an integer from 1 to 4094',
  NameInBothForms: 'a policy with spec.resourceName has no resourceName in its entries',
  BadGlob: 'not a shell glob',
  BadSelectorValue: 'label values are strings; booleans and integers are read as such, nothing else is',
  BadLabel: 'not a legal label key or value',
  BadRequirement: 'the operator does not accept these values',
  BadFieldRequirement: 'matchFields knows only metadata.name with In or NotIn and one value',
  NotYAML: 'the file cannot be read as YAML',
  SchemaFault: 'not what the schema requires',
  FileUnreadable: 'the file cannot be read',
  RepeatedObject: 'the object is in the files more than once; the first one counts',

  // Effects of a valid policy, or of its change, that may surprise its author.
  SelectsEveryNode: 'without nodeSelector and nodeAffinity the policy counts on every node, also on those to come',
  PolicyOverlap: 'another policy asks for the same on the same nodes; only one of the two gets it',
  ResourceLost: 'nodes stop exposing the resource; devices that pods hold stay until they are released',
  ResourceChanged: 'nodes expose the resource differently than before; devices that pods hold stay as they are',
  ResourceGained: 'nodes begin to expose the resource',
  NamespacesLost: 'pods of these namespaces may no longer use the resources; running pods keep their devices',
  InterfaceNotFound: 'no selected node has this interface, and each of them has one with a similar name',
  InterfacesUnknown: 'what changes is not known for nodes that have not reported their interfaces',

  // Errors and warnings about a NetworkAttachmentDefinition.
  ConfigNotJson: 'the config must be text that holds one JSON object',
  ConfigOnNodes: 'without a config Multus looks for a file of this name on each node, which is not checked',
  RepeatedKey: 'the config repeats a key; the last one counts',
  AmbiguousKey: 'Multus and CNI plugins ignore the case of keys, and the last of repeated keys wins',
  TypeMissing: 'the config needs a type, or plugins that each have one',
  TypeMisspelled: 'CNI looks for a program of this name, which is almost macvtap; pods fail if there is none',
  PluginsTooMany: 'the config has more plugins of type macvtap than can be checked',
  PluginsIgnored: 'Multus runs only the type of a config that has one, and ignores its plugins',
  IllegalNetworkName: 'CNI takes letters, digits and . _ - as the name of a network, a letter or digit first',
  UnsupportedCniVersion: 'the plugin supports CNI 0.3.0, 0.3.1, 0.4.0, 1.0.0 and 1.1.0',
  ResourceMissing: 'a macvtap network names its resource in the annotation k8s.v1.cni.cncf.io/resourceName',
  ResourceForeign: 'a macvtap network needs a resource named macvtap.network.kubevirt.io/<name>',
  ResourceUnknown: 'no policy and no node offers this resource',
  NamespaceNotAdmitted: 'a policy that offers the resource does not admit this namespace',
  ParentNotOffered: 'the resource uses another parent; the policy decides, not the config',
  ModeNotOffered: 'the resource is not offered in this mode',
  ModeVaries: 'some nodes offer the resource in another mode, and pods fail there',
  UnknownModeFrom: 'modeFrom is "policy" or left out',
  IllegalMtu: 'the MTU is an integer from 68 to 65535',
  MtuAboveParent: "the MTU is above a parent's, and pods fail there",
  IllegalMac: 'the MAC is a unicast address such as 52:54:00:12:34:56',
  IllegalOwner: 'owner and group are numeric IDs from 0 to 4294967294',
  IllegalMulticast: 'multicast is "all" or "none"',
  IllegalPromiscMode: 'promiscMode is true or false',
  IllegalValue: 'the plugin or its caller expects another kind of value here',
  IpamUnsupported: 'the macvtap plugin assigns no IP addresses, and ignores keys that ask for them',
  UnknownKey: 'the plugin does not know this key and ignores it',

  // Errors and warnings about a pod.
  NetworksUnreadable: 'Multus rejects a pod whose annotation it cannot read, or ignores the annotation',
  NetworkMissing: 'the pod does not start before this network exists, and gets no device for it if it is made later',
  NotInjected: 'a device that the pod needs could not be added to a container; attaching its network will fail',
  NamespaceUnknown: 'a policy restricts the resource to some namespaces, and the labels of this one are not known',
  PassthruMac: 'a passthru device has the MAC address of its NIC, and CNI ADD refuses any other',
  TooManyDevices: 'the pod needs more devices of the resource than any one node has; it will stay pending',
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

/** A verdict that rejects the object. */
export function deny(code: ReasonCode, path: string, detail: string): Verdict {
  return { code, path, severity: 'deny', reason: reasons[code], detail };
}

/** A verdict that does not reject the object. */
export function warn(code: ReasonCode, path: string, detail: string): Verdict {
  return { code, path, severity: 'warn', reason: reasons[code], detail };
}
