// SPDX-License-Identifier: Apache-2.0
import type { ReasonCode } from './reasons.ts';

/** The next step for each reason, correct wherever the code is used. A test compares docs/reference/reasons.md. */
export const reasonFixes = {
  // An entry, a tag or an interface did not become a resource.
  NothingFound: 'If the node should have the interface, bring it back, or correct its name or selector.',
  Loopback: 'Name an Ethernet interface of the node instead.',
  NotEthernet: 'Name an Ethernet interface of the node instead.',
  MacvtapOrMacvlan: 'Name the parent of the macvtap or macvlan instead.',
  Enslaved: 'Name the bond, bridge or other interface of which it is a port.',
  VlanOnVlan: 'Name the interface below the VLAN in parentIface, or remove vlan from the entry.',
  VlanProtocol: 'Choose another VLAN ID, or remove the 802.1ad VLAN from the node.',
  VlanNameTaken: 'Rename or remove the other link on the node.',
  CarriesNodeTraffic:
    'Choose another mode or interface; if the node does not need this interface, set allowHostInterface.',
  IllegalResourceName: 'Set a resourceName: at most 63 letters, digits, . _ -, with a letter or digit at both ends.',
  KindNotExposed: "Name the interface in a policy, or add its kind to the chart's linkKinds.",
  ExcludedByName:
    "None needed: implicitExclude has the interface; to expose it, use a policy or change the chart's implicitExclude.",
  UnknownMode: 'Write bridge, private, vepa or passthru.',
  Shadowed: 'Give this one another resource name or remove it; if the first one should be used, do nothing.',
  RepeatedName: 'Keep one entry with this name, and remove or rename the others.',
  PassthruQuantity: 'Set the quantity or capacity to 1, or remove it.',
  QuantityAboveLimit: 'Set the capacity to at most 4096.',
  ExplicitInvalid: 'Correct the config map macvtap-deviceplugin-config at the place in the message.',
  PolicyInvalid: 'Run kubectl macvtap lint on the policy, and fix the errors that it prints.',
  PolicyOutsideNamespace: 'Create the policy in the namespace of the installation, for example macvtap-cni.',

  // A resource lost to another one.
  ResourceNameTaken: 'Give this policy another resourceName or a lower priority value, or remove one of the two.',
  PassthruExclusive: 'Put one of the two resources on another interface, or remove one of them.',

  // A resource has no allocatable devices for now.
  ParentChanged: 'Bring the previous interface back, or delete the pods that use devices on it.',
  Draining: 'None needed: the resource disappears when its pods end; to keep it, offer it on the node with a policy.',
  UpstreamPluginRunning: "Remove macvtap-cni's DaemonSet from this node.",
  VlanMissing: 'None needed: the node plugin creates the VLAN within seconds.',
  VlanFailed: "Correct the cause that the message in the node's troubles names.",
  VlanUnsupported: 'Run modprobe 8021q on the node, or boot a kernel that has 802.1Q VLANs.',
  DraUnavailable: 'Upgrade the cluster to Kubernetes 1.36 or newer, or set node.allocation to DevicePlugin.',
  MacvtapUnsupported: 'Run modprobe macvtap on the node, or boot a kernel that has macvtap.',

  // A resource has a problem, and its devices are Healthy.
  LinkDown: 'Set the parent up on the node: ip link set PARENT up.',
  LinksLost: 'Bring the parent back if it is gone, then delete the pods that lost their links.',
  MtuLowered: "Raise the parent's MTU again, then delete the pods that have the event MtuLowered.",
  AttachmentsStranded: "Remove the sandboxes that the node's events name, for example with crictl rmp.",
  NoCarrier: "Check the parent's cable and switch port, or the members of the bond.",

  // The text of a policy or a file has an error.
  ParentAmbiguous: 'Set either parentIface or nicSelector in the entry.',
  IllegalVlan: 'Write an integer from 1 to 4094, or remove vlan to use the untagged interface.',
  NameInBothForms: 'Remove resourceName from the entries, or remove spec.resourceName.',
  BadGlob: 'Correct the pattern as the message describes.',
  BadSelectorValue: 'Write the value as a string, in quotes.',
  BadLabel: 'Correct the key or value to the syntax of Kubernetes labels.',
  BadRequirement:
    'Correct the values: In and NotIn need at least one, Exists and DoesNotExist none, Gt and Lt one integer.',
  BadFieldRequirement: 'Write the key metadata.name, the operator In or NotIn, and one node name.',
  NotYAML: 'Correct the YAML at the line in the message; render Helm templates first.',
  SchemaFault: 'Correct the field that the message names; the reference of its kind lists all fields.',
  FileUnreadable: 'Check that the file exists and that you may read it.',
  RepeatedObject: 'Keep the object in one place, and remove it from the others.',

  // A valid policy, or its change, may surprise its author.
  SelectsEveryNode: 'Add a nodeSelector, unless the policy is meant for every node.',
  InterfaceNotFound: 'Correct parentIface; if nodes with this interface join later, do nothing.',
  PolicyOverlap: 'Change the nodes, the interfaces or the resource name of one of the two policies.',
  ResourceLost: 'None needed: this is the effect of the change; undo it if the nodes should keep the resource.',
  ResourceChanged: 'None needed: new pods get the changed devices; to give them to running pods, recreate these pods.',
  ResourceGained: 'None needed: pods can request the resource on these nodes once the policy is applied.',
  NamespacesLost: 'None needed: this is the effect of the change; extend namespaceSelector to keep a namespace.',
  InterfacesUnknown: 'Check that the node plugin runs on these nodes.',

  // A NetworkAttachmentDefinition.
  ConfigNotJson: 'Correct the JSON at the place in the message.',
  ConfigOnNodes: 'Write the config into the NetworkAttachmentDefinition, so that the webhook can check it.',
  RepeatedKey: 'Keep one occurrence of the key, and remove the others.',
  AmbiguousKey: 'Write the key only once, in the documented case.',
  TypeMissing: 'Set type to macvtap, or give each plugin a type.',
  TypeMisspelled: 'Correct the type to macvtap; if a CNI plugin with this name is installed, do nothing.',
  PluginsTooMany: 'Split the config into several NetworkAttachmentDefinitions.',
  PluginsIgnored: 'Remove either type or plugins from the config.',
  IllegalNetworkName: 'Correct the name in the config.',
  UnsupportedCniVersion: 'Set cniVersion to one of these versions, for example 1.0.0.',
  ResourceMissing: 'Add the annotation, with a resource that the message lists.',
  ResourceForeign: 'Write macvtap.network.kubevirt.io/NAME into the annotation, with the name of an offered resource.',
  ResourceUnknown: 'Correct the name of the resource, or create the policy that offers it first.',
  NamespaceNotAdmitted:
    "Label the namespace so that the policy's namespaceSelector matches it, or change that selector.",
  ParentNotOffered: 'Remove the key, or name a resource that uses this parent.',
  ModeNotOffered: 'Remove mode, or write the mode that the message names.',
  ModeVaries: 'Give the resource the same mode on all nodes, or remove mode from the config.',
  UnknownModeFrom: 'Set modeFrom to "policy", or remove it.',
  IllegalMtu: 'Write an integer from 68 to 65535, or remove mtu.',
  MtuAboveParent: 'Lower mtu, or raise the MTU of the parent on the nodes first.',
  IllegalMac: 'Write a unicast address of six hexadecimal bytes, or remove mac.',
  IllegalOwner: 'Write a number from 0 to 4294967294 without quotes, or remove the key.',
  IllegalMulticast: 'Write "all" or "none", or remove multicast.',
  IllegalPromiscMode: 'Write true or false without quotes, or remove promiscMode.',
  IllegalValue: 'Write the kind of value that the message names.',
  IpamUnsupported: 'Remove the key, and let the guest get its addresses from the network.',
  UnknownKey: 'Correct the spelling of the key, or remove it.',

  // A pod.
  NetworksUnreadable: 'Correct the annotation: names like NAMESPACE/NAME@INTERFACE, or a JSON list.',
  NetworkMissing: 'Create the network or correct its name, then recreate the pod.',
  PassthruMac: 'Remove mac from the annotation, and exclude the virtual machine from MAC pools.',
  NotInjected: 'Correct the place that the message names, then recreate the pod.',
  ClaimUnknown: 'Create the claim or template before the pod, or request the devices in the limits of a container.',
  NamespaceUnknown: 'Check that the namespace exists, then try again; for lint, add the Namespace to the files.',
  TooManyDevices: 'Raise the quantity in the policy, or request fewer devices of the resource.',
} as const satisfies Readonly<Record<ReasonCode, string>>;

/** Returns where a reason is explained: a page in this repository and its anchor. */
export function reasonReference(code: ReasonCode): string {
  return `docs/reference/reasons.md#${code}`;
}
