// SPDX-License-Identifier: Apache-2.0
/** Named values of an error, for logs and callers. @example { device: 'dataplaneMvp3', parent: 'bond1' } */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The only error class. `message` contains the operation and its object, and the cause in the words of the kernel or
 * the peer. If a user can do something, it also contains the next step.
 */
export class MacvtapError extends Error {
  override readonly name = 'MacvtapError';
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, message: string, options: { facts?: ErrorFacts; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.facts = options.facts ?? {};
  }

  /** Converts any thrown value to a MacvtapError. Returns a MacvtapError unchanged. */
  static from(thrown: unknown): MacvtapError {
    if (thrown instanceof MacvtapError) return thrown;
    if (thrown instanceof Error) return new MacvtapError('Unexpected', thrown.message, { cause: thrown });
    return new MacvtapError('Unexpected', String(thrown), { cause: thrown });
  }
}

/**
 * Every code of a `MacvtapError` and its meaning. docs/reference/errors.md has the same table, and a test compares
 * both. The verdicts of the policy engine are values, not errors: policy/reasons.ts has their codes.
 */
export const errorCodes = {
  Unexpected: 'an error that the program does not handle; please report it as a bug',
  Aborted: 'the operation was cancelled, because the process stops or the caller no longer waits for it',
  DeadlineExceeded: 'the operation did not finish within its deadline',
  InvalidFlags: 'the command line or a KUBE_MACVTAP_* environment variable is invalid',
  ParentUnavailable: "the parent of a device's resource is absent or cannot have a macvtap now",
  UnknownDevice: 'kubelet asked for a device that the resource does not offer',
  TapNodeTaken: "all indexes that the device's link could use belong to other links",
  DeviceNotAllocated: 'a container is about to start with a device that the node plugin did not allocate',
  TapNodeUnusable: "the tap file in /dev does not belong to the device's link, so no container may open it",
  KubeletDirectoryMissing: "the directory of kubelet's device-plugin sockets is absent or cannot be read",
  KubeletSocketMissing: "kubelet's device-plugin directory exists, but has no registration socket",
  KubeletRefused: 'kubelet did not accept the registration of a resource, or did not answer in time',
  UpstreamPluginRunning: 'the device plugin of macvtap-cni serves the same resource on this node',
  KubeletDisconnected: 'kubelet closed the stream that lists the devices of a resource',
  PodResourcesSocketMissing: 'kubelet has no pod-resources socket in its directory',
  PodResourcesUnavailable: 'kubelet did not list the devices of pods: it refused, or did not answer in time',
  SocketPathTooLong: 'the path of a unix socket is longer than the kernel allows',
  SocketFailed: 'a unix socket of the device plugin could not be created, or disappeared',
  SelfProbeFailed: "the device plugin's server did not answer its own probe before its registration",
  NetlinkUnavailable: 'a netlink socket cannot be opened or used',
  NetlinkMalformed: 'a netlink message of the kernel cannot be read',
  NetlinkLost: 'the reply to a netlink request was lost, or every attempt to list objects was interrupted',
  NetlinkRefused: 'the kernel refused a netlink request for a reason that no other code describes',
  LinkNameTaken: 'another link of the namespace already has the name of a new or moved link',
  LinkNameInvalid: 'the kernel does not accept the name of a link',
  NetnsUnreachable: 'the links of another network namespace can be neither read nor deleted',
  LinkGone: 'the link to change does not exist',
  IfindexTaken: 'another link of the namespace already has the index of a new or moved link',
  ParentGone: 'the parent of a new macvtap does not exist',
  ParentEnslaved: 'the parent belongs to a bond, bridge or similar link, so the kernel does not allow a macvtap on it',
  ParentUnsuitable:
    'the kernel does not allow a macvtap on this parent, for example because it is not an Ethernet link',
  MTUAboveParent: 'the MTU of a new macvtap is above the MTU of its parent',
  PassthruExclusive: 'a passthru macvtap and another one cannot share a parent',
  MACAddressInvalid: 'a MAC address is not six hexadecimal bytes, or not a unicast address',
  MACAddressTaken: 'the parent or another macvtap on it already has the MAC address',
  VlanUnsupported: 'the running kernel has no 802.1Q VLANs',
  MacvtapUnsupported: 'the running kernel has no macvtap',
  MissingCapability: 'the process lacks CAP_NET_ADMIN',
  TapNodeUnreadable: 'the device node of a macvtap, or its entry in sysfs, cannot be read',
  FileNotWritten: 'a file could not be written durably; its old content is still valid',
  LookupFailed: 'an object that is not in the cache could not be looked up in time',
  PodTooLarge: 'a pod has more containers than the webhook reviews',
  ApiServerUnknown: 'the address of the API server is unknown: there is no readable kubeconfig and no service account',
  ApiServerUnreachable: 'the API server did not answer, or its answer was incomplete',
  ApiServerRefused: 'the API server answered a request with an error',
  NotInstalled: 'the cluster has none of the CRDs of kube-macvtap',
  ObjectNotFound: 'the object of a command does not exist, or the user may not read it',
  ManifestsUnreadable: 'a directory of manifests is absent or cannot be read',
  ApiServerMalformed: 'a response of the API server cannot be read',
  NodeStateNotOurs: "a node's state is in a file that kube-macvtap did not write, so it is not overwritten",
  CertificateUnusable: 'a serving certificate and its key cannot be used: absent, invalid, expired, or not a pair',
  ClientCaUnusable: 'the file of --client-ca-file is absent or has no usable certificate',
  ListenFailed: 'the server cannot listen on an address, for example because another process has the port',
  CNIFrameMalformed: 'a message on the CNI socket does not have the format of the CNI plugin',
  CNISocketFailed: 'the socket of the CNI plugin cannot be created or used',
  CNIEnvironmentInvalid: 'a CNI_* variable that the command needs is missing or invalid',
  CNIVersionUnsupported:
    "the CNI plugin does not support the configuration's cniVersion, or the command does not exist in this cniVersion",
  NetConfUndecodable: 'the network configuration is not a JSON object',
  NetConfInvalid: 'a key of the network configuration has an invalid value',
  NetConfUnsupported: 'the network configuration uses a feature that the CNI plugin does not have',
  NetnsInvalid: 'CNI_NETNS is not the network namespace of a pod',
  DeviceMissing: 'the pod has no device for the network: the CNI plugin got an empty device ID',
  DeviceHeldElsewhere: 'the device belongs to another pod, by an allocation of kubelet or by a ResourceClaim',
  DeviceClaimed: 'the device is still prepared for another ResourceClaim',
  ClaimRefused: 'a ResourceClaim cannot be prepared on this node',
  DraUnavailable: 'the node is configured to allocate by DRA, which this cluster or installation does not support',
  DeviceNamedTwice: 'the sandbox already has the device under another interface name',
  ModeConflict: 'the mode in the network configuration differs from the mode of the device',
  PodOwnerUnknown: "the pod's MAC address depends on the pod's owner, but the API server does not answer",
  PlanUnknown: 'the plan of the node is not known yet, and a pod cannot be attached without it',
  NamespaceNotAdmitted:
    "the pod's namespace does not match the namespaceSelector of a policy that restricts the resource",
  NamespaceUnknown:
    "a policy restricts the resource to some namespaces, and the labels of the pod's namespace cannot be read now",
  TapNodeNotOwned: 'the owner of the tap file in /dev could not be set to the user in the network configuration',
  AttachmentWrong: 'a link differs from what ADD created, or still waits for the guest of a live migration',
  CNINotReady: 'STATUS: pods cannot be attached now',
  TombstoneFailed: 'a DEL that the CNI plugin recorded while the node plugin was down cannot be read or carried out',
  ShimNotBuilt: "the CNI plugin's shim could not be compiled",
  ShimNotInstalled: "the CNI plugin's shim could not be installed in the CNI directory",
  ReleaseRefused:
    'a release is not possible from this state of the repository, or its version exists with other content',
  ReleaseToolFailed: 'a program that builds a release is missing or failed',
  RegistryFailed: 'the registry of a release cannot be reached, is not trusted, or rejects the credentials',
  LedgerLocked: 'another process uses the ledger of this state directory',
  LedgerUnavailable: 'the state directory or its ledger cannot be created, locked or read',
  LedgerBroken: 'parts of the ledger could not be read; a copy of the file is kept',
  LedgerNewer: 'a newer version wrote the ledger; the parts that this version cannot read are kept unchanged',
  LedgerOfOtherNode: 'the ledger was written for a node with another name',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof errorCodes;

/**
 * The next step for each error code, as one sentence that is true wherever the code is used. An error's message has the
 * step for the specific case. docs/reference/errors.md has the same texts, and a test compares both.
 */
export const errorFixes = {
  Unexpected: 'Report the message, with the lines of the log around it, as a bug.',
  Aborted: 'None needed: the process or its caller stopped the operation, and repeats it if it is still needed.',
  DeadlineExceeded: 'Check the load of the node and of the API server, then try again.',
  InvalidFlags: 'Correct the flags and variables that the message names; --help describes them.',
  ParentUnavailable: 'Bring the parent back, or change the policy or flag that names it.',
  UnknownDevice: 'Delete the pod, so that kubelet allocates another device to its replacement.',
  TapNodeTaken: 'If this continues, remove the links or sandboxes of former pods on the node; kubelet tries again.',
  DeviceNotAllocated: 'Delete the pod, so that its replacement gets a device.',
  TapNodeUnusable: 'Check that the parent exists, then delete the pod, so that its replacement gets a device.',
  KubeletDirectoryMissing:
    "Check that kubelet runs, that --kubelet-dir is kubelet's directory, and that it is mounted into the container.",
  KubeletSocketMissing: 'Check that kubelet runs on the node.',
  KubeletRefused: "Check kubelet's log, and that kubelet and the node plugin see the same directory.",
  UpstreamPluginRunning: "Remove macvtap-cni's DaemonSet from the node.",
  KubeletDisconnected: 'None needed: the node plugin registers the resource again.',
  PodResourcesSocketMissing:
    'Check that kubelet runs, and that its pod-resources directory is mounted into the container.',
  PodResourcesUnavailable: "Check kubelet's log if this continues; the node plugin or kubelet tries again.",
  SocketPathTooLong: 'Give kubelet and --kubelet-dir a shorter directory, or mount it at a shorter path.',
  SocketFailed: "Check that --kubelet-dir is kubelet's directory and is writable; the node plugin tries again.",
  SelfProbeFailed: "Check the node's load if this continues; the node plugin restarts the server.",
  NetlinkUnavailable: 'Run Linux 5.4 or newer, and check the limits that the container runtime sets for the process.',
  NetlinkMalformed: "Report the message and the kernel's version as a bug.",
  NetlinkLost: "Check the node's load if this continues; the operation is tried again.",
  NetlinkRefused: "Follow the kernel's text in the message.",
  LinkNameTaken: 'Delete or rename the other link, or choose another name for this one.',
  LinkNameInvalid: 'Choose a name of at most 15 bytes without %.',
  NetnsUnreachable: 'Mount /run/netns into the container with HostToContainer propagation, and give it CAP_NET_ADMIN.',
  LinkGone: 'If the pod still needs the link, delete the pod, so that its replacement gets a new link.',
  IfindexTaken: 'If no pod uses the link that has the index, delete that link; kubelet tries again.',
  ParentGone: 'Bring the parent back, or name an existing interface in the policy.',
  ParentEnslaved: 'Take the parent out of its bond or bridge, or choose another interface.',
  ParentUnsuitable: 'Choose an Ethernet interface as the parent.',
  MTUAboveParent: 'Lower the MTU of the network, or raise the MTU of the parent first.',
  PassthruExclusive: 'Delete the other macvtaps and macvlans of the parent, or choose another parent or mode.',
  MACAddressInvalid: 'Write a unicast address of six hexadecimal bytes; in mode passthru, remove the address.',
  MACAddressTaken: 'Change the MAC address of the pod or its network, or remove it.',
  VlanUnsupported: 'Run modprobe 8021q on the node, or boot a kernel that has 802.1Q VLANs.',
  MacvtapUnsupported: 'Run modprobe macvtap on the node, or boot a kernel that has macvtap.',
  MissingCapability: 'Give the process CAP_NET_ADMIN.',
  TapNodeUnreadable: "Mount the node's /sys and /dev into the container.",
  FileNotWritten: 'Check the free space and the permissions of the directory, then try again.',
  LookupFailed: 'Try again; if this continues, check that the API server or the manifests can be read.',
  PodTooLarge: 'Split the pod; the message has the limit.',
  ApiServerUnknown: 'Name a valid kubeconfig with --kubeconfig, or run in a pod with a service account.',
  ApiServerUnreachable: 'Check that the API server runs and can be reached from this host.',
  ApiServerRefused: 'Grant the right that the message names, or renew the token or certificate.',
  NotInstalled: 'Install the chart, or choose another cluster with --context or --kubeconfig.',
  ObjectNotFound: 'Check the name and the namespace, and that you may read the object.',
  ManifestsUnreadable: 'Correct the path or the file that the message names.',
  ApiServerMalformed: 'Check the server in the kubeconfig, and any proxy in front of it.',
  NodeStateNotOurs: "Remove the node's state from the file that the message names.",
  CertificateUnusable: 'Replace the certificate and the key with a valid pair.',
  ClientCaUnusable: 'Write PEM certificates into the file of --client-ca-file.',
  ListenFailed: 'Stop the process that has the port, or choose another address.',
  CNIFrameMalformed: 'Restart the node plugin, which installs its CNI plugin; report a bug if this continues.',
  CNISocketFailed: 'Check that the node plugin can create the directory of --cni-socket and write in it.',
  CNIEnvironmentInvalid: 'Check how the container runtime calls its CNI plugins.',
  CNIVersionUnsupported: 'Write a cniVersion that the message names into the NetworkAttachmentDefinition.',
  NetConfUndecodable: 'Write a JSON object into the config of the NetworkAttachmentDefinition.',
  NetConfInvalid:
    'Correct the key that the message names, in the NetworkAttachmentDefinition or another plugin of its chain.',
  NetConfUnsupported: 'Remove the keys that the message names, and let the guest get its addresses from the network.',
  NetnsInvalid: 'Mount /run/netns into the container with HostToContainer propagation, as the chart does.',
  DeviceMissing: "Recreate the pod while the webhook runs, or write the resource into a container's limits.",
  DeviceHeldElsewhere:
    "Remove deviceID from the NetworkAttachmentDefinition, or the resource's other device plugin from the node.",
  DeviceClaimed: 'None needed: kubelet tries again after it has unprepared the other claim.',
  ClaimRefused: 'Follow the message: it names the part of the claim that prevents its preparation.',
  DraUnavailable: 'Upgrade the cluster to Kubernetes 1.36 or newer, or set node.allocation to DevicePlugin.',
  DeviceNamedTwice: 'Request one device for each network, and remove deviceID from the configurations.',
  ModeConflict: "Remove mode from the network, write the device's mode there, or change the policy.",
  PodOwnerUnknown: 'None needed: kubelet tries again until the API server answers.',
  PlanUnknown: "Check the node plugin's log if this continues; kubelet tries again.",
  NamespaceNotAdmitted: 'Label the namespace if its pods may use the resource, or delete the pod.',
  NamespaceUnknown: 'Check that the namespace exists and the API server answers; kubelet tries again.',
  TapNodeNotOwned: "Mount the node's devtmpfs as /dev, and run CNI plugins as root with CAP_CHOWN and CAP_FOWNER.",
  AttachmentWrong:
    'Delete the pod to attach it again; if the link waits for a guest, migrate or restart the virtual machine.',
  CNINotReady: 'Fix the problems that the message lists.',
  TombstoneFailed: 'None needed: the node plugin tries again, or removes the link once no pod holds its device.',
  ShimNotBuilt: 'Install a C compiler or correct the source, as the message describes, then build again.',
  ShimNotInstalled: 'Follow the message: it names the path or flag that prevents the installation.',
  ReleaseRefused: 'Commit the changes, make the versions equal or raise the version, as the message describes.',
  ReleaseToolFailed: 'Follow the message, then run the same command again; it continues where it stopped.',
  RegistryFailed: 'Log in to the registry, or correct its name or CA, then run the same command again.',
  LedgerLocked: 'Stop the other process, or choose another directory with --state-dir.',
  LedgerUnavailable: 'Put the directory of --state-dir on a writable file system that supports flock(2).',
  LedgerBroken: "Check the node's disk; recreate pods whose devices are missing from the ledger.",
  LedgerNewer: 'Run the newer version again.',
  LedgerOfOtherNode: 'If the node was not renamed, give each node a separate state directory.',
} as const satisfies Readonly<Record<ErrorCode, string>>;

/** Returns the path in this repository of the documentation that explains an error code. */
export function errorReference(code: ErrorCode): string {
  return `docs/reference/errors.md#${code}`;
}
