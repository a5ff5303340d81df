// SPDX-License-Identifier: Apache-2.0

/**
 * Every code that a `MacvtapError` can carry, with what it means. docs/errors.md lists the same; a test compares both.
 * Verdicts of the policy engine are values with codes of their own (policy/reasons.ts), not errors.
 */
export const errorCodes = {
  Unexpected: 'something threw that this program did not foresee; a bug of ours until shown otherwise',
  Aborted: 'the operation was given up because its scope ended',
  DeadlineExceeded: 'the operation did not finish within its own deadline',
  InvalidFlags: 'the command line or a KUBE_MACVTAP_* variable is not understood',
  ParentUnavailable: "the parent of a device's resource is absent or cannot carry a macvtap now",
  UnknownDevice: 'kubelet asked for a device that the resource does not offer',
  TapNodeTaken: "every index that a device's link could have is held by other links",
  DeviceNotAllocated: 'a container is to start with a device of which the node plugin knows no allocation',
  TapNodeUnusable: "the node in /dev is not the one of the device's link, so it must not be handed out",
  KubeletDirectoryMissing: 'the directory where kubelet keeps its device-plugin sockets is absent or cannot be read',
  KubeletSocketMissing: 'the directory is there, but kubelet has no registration socket in it',
  KubeletRefused: 'kubelet did not accept the registration of a resource, or did not answer in time',
  UpstreamPluginRunning: "macvtap-cni's own device plugin serves the same resource on this node",
  KubeletDisconnected: 'kubelet closed the stream on which it follows the devices of a resource',
  PodResourcesSocketMissing: 'kubelet has no pod-resources socket in the directory where it is looked for',
  PodResourcesUnavailable: 'kubelet did not say which devices pods hold: it refused, or did not answer in time',
  SocketPathTooLong: 'the path of a unix socket does not fit in the address that the kernel takes',
  SocketFailed: 'a unix socket of the device plugin could not be made, or vanished',
  SelfProbeFailed: "the device plugin's own server did not answer before it was to be registered",
  NetlinkUnavailable: 'a netlink socket cannot be opened or used',
  NetlinkMalformed: 'what the kernel sent over netlink cannot be read',
  NetlinkLost: 'the reply to a netlink request was lost, or a dump was interrupted each time',
  NetlinkRefused: 'the kernel refused a netlink request for a reason that has no code of its own',
  LinkNameTaken: 'another link of the namespace has the name that a new or moved link was to get',
  LinkNameInvalid: 'the kernel takes no such name for a link',
  NetnsUnreachable: "another network namespace's links can be neither read nor deleted",
  LinkGone: 'the link that was to be changed does not exist',
  IfindexTaken: 'another link of the namespace has the number that a new or moved link was to get',
  ParentGone: 'the parent that a macvtap was to stand on does not exist',
  ParentEnslaved: 'the parent belongs to a bond, bridge or the like, and the kernel lets no macvtap stand on it',
  ParentUnsuitable: 'the kernel makes no macvtap on this parent, for example because it is no Ethernet link',
  MTUAboveParent: "a macvtap was to get an MTU above its parent's",
  PassthruExclusive: 'a passthru macvtap and another one cannot share a parent',
  MACAddressInvalid: 'a MAC address is not six hexadecimal bytes, or the kernel takes it for no unicast address',
  MACAddressTaken: 'the parent or another macvtap on it has the MAC address already',
  MacvtapUnsupported: 'the running kernel has no macvtap',
  MissingCapability: 'the process lacks CAP_NET_ADMIN',
  TapNodeUnreadable: 'the device node of a macvtap, or what the kernel says of it, cannot be read',
  FileNotWritten: 'a file could not be written durably; what it held before still counts',
  LedgerLocked: 'another process has the ledger of this state directory open, and two must not write it',
  LedgerUnavailable: 'the state directory, or the ledger in it, cannot be made, locked or read',
  LedgerBroken: 'parts of the ledger could not be read; the whole file was set aside before it is replaced',
  LedgerNewer: 'a newer version wrote the ledger; what this version does not understand is kept as it was found',
  LedgerOfOtherNode: 'the ledger was written for a node of another name',
} as const satisfies Record<string, string>;

export type ErrorCode = keyof typeof errorCodes;
