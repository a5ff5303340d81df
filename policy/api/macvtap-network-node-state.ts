// SPDX-License-Identifier: Apache-2.0
// Generated from macvtapnetworknodestates.yaml by npm run generate; not to be edited.

/**
 * Reports a node's possible parents, its resources, and the reasons for interfaces that are not exposed. It has the
 * name of the node.
 */
export interface MacvtapNetworkNodeState {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    [k: string]: unknown;
  };
  /**
   * Observed state, written by the node plugin. There is no spec: policies, the explicit configuration and the labels
   * of the node define the desired state.
   */
  readonly status?: {
    /**
     * Version of the node plugin that wrote the state.
     */
    readonly pluginVersion?: string;
    /**
     * Source of the resources; none if no source applies.
     */
    readonly source?: 'policy' | 'explicit' | 'tag' | 'implicit' | 'none';
    /**
     * API through which the node offers devices to new pods: the device plugin API of kubelet, or dynamic resource
     * allocation (DRA). If DRA is configured but cannot be used, troubles has the reason.
     */
    readonly allocation?: 'DevicePlugin' | 'DRA';
    /**
     * Possible parents, and the interfaces that a policy, the explicit configuration or a label names. The data is from
     * the kernel.
     */
    readonly interfaces?: {
      /**
       * Name of the link in the node's network namespace.
       */
      readonly name: string;
      /**
       * Alternative names (IFLA_ALT_IFNAME); policies may name an interface by any of them.
       */
      readonly altNames?: readonly string[];
      /**
       * Index of the link in the node's network namespace.
       */
      readonly ifindex?: number;
      /**
       * The kernel's link kind (IFLA_INFO_KIND). It is device if the kernel reports no kind, as for physical NICs.
       */
      readonly kind?: string;
      /**
       * Whether the link type is ARPHRD_ETHER.
       */
      readonly ethernet?: boolean;
      /**
       * Whether it is a loopback interface (IFF_LOOPBACK).
       */
      readonly loopback?: boolean;
      /**
       * Whether the link is administratively up (IFF_UP).
       */
      readonly up?: boolean;
      /**
       * Whether the link has a carrier (IFF_LOWER_UP).
       */
      readonly carrier?: boolean;
      /**
       * MTU of the link in bytes. A macvtap on the link cannot have a larger MTU.
       */
      readonly mtu?: number;
      /**
       * Current link-layer address.
       */
      readonly macAddress?: string;
      /**
       * Permanent address of the hardware, if the kernel reports one.
       */
      readonly permanentMACAddress?: string;
      /**
       * Driver of the device. For a virtual interface, its link kind.
       */
      readonly driver?: string;
      /**
       * PCI address of its device, such as 0000:3b:00.0.
       */
      readonly pciAddress?: string;
      /**
       * PCI vendor, four hexadecimal digits.
       */
      readonly vendorID?: string;
      /**
       * PCI device, four hexadecimal digits.
       */
      readonly deviceID?: string;
      /**
       * NUMA node of its device, if the hardware reports one.
       */
      readonly numaNode?: number;
      /**
       * The bond, bridge or similar link of which this link is a port.
       */
      readonly master?: {
        /**
         * Name of that link.
         */
        readonly name: string;
        /**
         * Kind of that link, for example bond, bridge, team, openvswitch or vrf.
         */
        readonly kind: string;
      };
      /**
       * Index of the lower link (IFLA_LINK) in the same namespace.
       */
      readonly lowerIfindex?: number;
      /**
       * VLAN ID and protocol, if the link's kind is vlan. lowerIfindex is the link below it.
       */
      readonly vlan?: {
        /**
         * VLAN ID.
         */
        readonly id: number;
        /**
         * Protocol of the VLAN's tag.
         */
        readonly protocol: '802.1Q' | '802.1ad';
        /**
         * Whether the node plugin created the VLAN for a policy. The node plugin removes such a VLAN when it is unused.
         * Absent for a VLAN that an administrator created.
         */
        readonly managed?: boolean;
      };
      /**
       * IP addresses of global scope, with prefix length.
       */
      readonly addresses?: readonly string[];
      /**
       * Whether a default route of the main table uses the link.
       */
      readonly defaultRoute?: boolean;
    }[];
    /**
     * Resources that the node exposes, and former resources whose devices pods still use.
     */
    readonly resources?: {
      /**
       * Last part of macvtap.network.kubevirt.io/<name>.
       */
      readonly name: string;
      /**
       * Name of the parent of new devices. For a former resource, the parent of its devices in use, if all have the
       * same parent.
       */
      readonly parent?: string;
      /**
       * macvtap mode of new devices. For a former resource, the mode of its devices in use, if all have the same mode.
       */
      readonly mode?: 'bridge' | 'private' | 'vepa' | 'passthru';
      /**
       * Source of the resource; none for a former resource.
       */
      readonly source: 'policy' | 'explicit' | 'tag' | 'implicit' | 'none';
      /**
       * Namespace and name of the policy (namespace/name), if the source is a policy.
       */
      readonly policy?: string;
      /**
       * Index of its entry in the policy's parentSelector or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * Number of devices, including those in use; 0 for a former resource.
       */
      readonly quantity: number;
      /**
       * Number of devices in use by pods.
       */
      readonly held?: number;
      /**
       * Number of devices in use whose link was deleted, in most cases with the parent; absent if there are none.
       */
      readonly lost?: number;
      /**
       * Number of devices in use whose link has a lower MTU than at its creation, because the MTU of the parent was
       * lowered. The MTU stays low until their pods are recreated. Absent if there are none.
       */
      readonly mtuLowered?: number;
      /**
       * Devices in use whose parent or mode differs from the resource's current one. They do not change until their
       * pods end. They are also counted in held. Absent if there are none.
       */
      readonly heldElsewhere?: {
        /**
         * Current name of the parent of these devices. It can differ from the name at their allocation.
         */
        readonly parent: string;
        /**
         * macvtap mode of these devices.
         */
        readonly mode: 'bridge' | 'private' | 'vepa' | 'passthru';
        /**
         * Number of these devices.
         */
        readonly held: number;
      }[];
      /**
       * Healthy, or a problem that code explains. An Unhealthy resource offers no devices. A Degraded resource offers
       * devices, but needs attention. For example, the parent is down, or links of pods were deleted or have a lower
       * MTU.
       */
      readonly health?: 'Healthy' | 'Degraded' | 'Unhealthy';
      /**
       * Reason if the resource is not Healthy; docs/reference/reasons.md explains the codes.
       */
      readonly code?: string;
    }[];
    /**
     * Interfaces and policy entries that are not exposed, with reasons. Interfaces that an entry skips for the same
     * reason are one item: the name has one of them, and the message has the first eight.
     */
    readonly skipped?: {
      /**
       * Policy or source with the index of its entry, and the interface or resource, for example NAMESPACE/storage[0]
       * eth1.
       */
      readonly name: string;
      /**
       * Namespace and name of the policy (namespace/name), if a policy is the source.
       */
      readonly policy?: string;
      /**
       * Index in the policy's parentSelector or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * Interface that is used instead (code Shadowed), or link of which the interface is a port (code Enslaved).
       */
      readonly by?: string;
      /**
       * Reason as a code; docs/reference/reasons.md explains the codes.
       */
      readonly code: string;
      /**
       * Reason as text, with its values.
       */
      readonly message?: string;
    }[];
    /**
     * Resources that lost a conflict on this node.
     */
    readonly conflicts?: {
      /**
       * Policy or source with the index of its entry, and the interface or resource that lost.
       */
      readonly name: string;
      /**
       * Namespace and name of the policy (namespace/name), if a policy is the source.
       */
      readonly policy?: string;
      /**
       * Index in the policy's parentSelector or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * Winner of the conflict: a policy (namespace/name), a source or a resource.
       */
      readonly by?: string;
      /**
       * Reason as a code; docs/reference/reasons.md explains the codes.
       */
      readonly code: string;
      /**
       * Reason as text, with the winner.
       */
      readonly message?: string;
    }[];
    /**
     * Problems of the whole node that prevent it from offering devices.
     */
    readonly troubles?: {
      /**
       * Problem as a code; docs/reference/reasons.md explains the codes.
       */
      readonly code: string;
      /**
       * Problem as text, with the fix.
       */
      readonly message: string;
    }[];
    /**
     * Counts over all resources.
     */
    readonly counts?: {
      /**
       * Number of resources, including former resources whose devices are in use.
       */
      readonly resources?: number;
      /**
       * Number of devices.
       */
      readonly devices?: number;
      /**
       * Number of devices in use by pods.
       */
      readonly held?: number;
      /**
       * Number of resources that are Unhealthy or Degraded.
       */
      readonly unhealthy?: number;
    };
    /**
     * Policies from which the state was computed, with their generations.
     */
    readonly observedPolicies?: {
      /**
       * Namespace and name of the policy (namespace/name).
       */
      readonly name: string;
      /**
       * The policy's metadata.generation.
       */
      readonly generation: number;
    }[];
  };
}

/** Defaults that the schema states, by path. */
export const macvtapNetworkNodeStateDefaults = {
  'status.interfaces[].kind': 'device',
  'status.interfaces[].ethernet': true,
  'status.interfaces[].loopback': false,
  'status.interfaces[].up': true,
  'status.interfaces[].carrier': true,
  'status.interfaces[].mtu': 1500,
  'status.interfaces[].defaultRoute': false,
} as const;
