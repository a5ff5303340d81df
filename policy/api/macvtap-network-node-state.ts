// SPDX-License-Identifier: Apache-2.0
// Generated from macvtapnetworknodestates.yaml by npm run generate; not to be edited.

/**
 * A node's possible parents, what it exposes and why not more. Named after the node.
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
     * Version of the node plugin that wrote this.
     */
    readonly pluginVersion?: string;
    /**
     * Source of the resources; none if no source applies.
     */
    readonly source?: 'policy' | 'explicit' | 'tag' | 'implicit' | 'none';
    /**
     * Possible parents and the interfaces that a source names, as read from the kernel.
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
       * Number of the link in the node's network namespace.
       */
      readonly ifindex?: number;
      /**
       * The kernel's link kind (IFLA_INFO_KIND); device where the kernel gives none, as for physical NICs.
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
       * Administratively up (IFF_UP).
       */
      readonly up?: boolean;
      /**
       * Whether the link has a carrier (IFF_LOWER_UP).
       */
      readonly carrier?: boolean;
      /**
       * Its MTU in bytes; no macvtap on it can have a larger one.
       */
      readonly mtu?: number;
      /**
       * Its link-layer address at present.
       */
      readonly macAddress?: string;
      /**
       * The address that the hardware has, where the kernel gives one.
       */
      readonly permanentMACAddress?: string;
      /**
       * Driver of the device; the link kind for virtual interfaces.
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
       * The link that this one is enslaved to.
       */
      readonly master?: {
        /**
         * Name of that link.
         */
        readonly name: string;
        /**
         * Its link kind, such as bond, bridge, team, openvswitch or vrf.
         */
        readonly kind: string;
      };
      /**
       * Index of the lower link (IFLA_LINK) in the same namespace.
       */
      readonly lowerIfindex?: number;
      /**
       * The VLAN of the link, if its kind is vlan. The link is on top of lowerIfindex.
       */
      readonly vlan?: {
        /**
         * VLAN ID.
         */
        readonly id: number;
        /**
         * Protocol of the tag.
         */
        readonly protocol: '802.1Q' | '802.1ad';
        /**
         * Whether the node plugin created the link for a policy, and will remove it. Absent for a link that an
         * administrator made.
         */
        readonly managed?: boolean;
      };
      /**
       * IP addresses of global scope, with prefix length.
       */
      readonly addresses?: readonly string[];
      /**
       * Whether a default route of the main table uses it.
       */
      readonly defaultRoute?: boolean;
    }[];
    /**
     * Resources that the node exposes, and former resources whose devices pods still hold.
     */
    readonly resources?: {
      /**
       * Last part of macvtap.network.kubevirt.io/<name>.
       */
      readonly name: string;
      /**
       * Name of the parent of new devices. For a resource that drains, the common parent of its held devices, if there
       * is one.
       */
      readonly parent?: string;
      /**
       * macvtap mode of new devices. For a resource that drains, the common mode of its held devices.
       */
      readonly mode?: 'bridge' | 'private' | 'vepa' | 'passthru';
      /**
       * Source of the resource; none if it only drains.
       */
      readonly source: 'policy' | 'explicit' | 'tag' | 'implicit' | 'none';
      /**
       * namespace/name of the policy, when the source is one.
       */
      readonly policy?: string;
      /**
       * Index of its entry in the policy's parentSelector or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * Number of devices, including held ones; 0 if it drains.
       */
      readonly quantity: number;
      /**
       * Number of devices that pods hold.
       */
      readonly held?: number;
      /**
       * Number of held devices that lost their link together with the parent; absent for none.
       */
      readonly lost?: number;
      /**
       * Held devices whose parent or mode differs from the resource's current one. They stay unchanged until their pods
       * end. They also count in held. Absent for none.
       */
      readonly heldElsewhere?: {
        /**
         * Name of their parent at the time of allocation.
         */
        readonly parent: string;
        /**
         * Their macvtap mode.
         */
        readonly mode: 'bridge' | 'private' | 'vepa' | 'passthru';
        /**
         * Number of these devices.
         */
        readonly held: number;
      }[];
      /**
       * Unhealthy offers no device. Degraded offers devices, but the parent is down or has no carrier, or some pods
       * have lost their link.
       */
      readonly health?: 'Healthy' | 'Degraded' | 'Unhealthy';
      /**
       * Reason why it is not Healthy; a code of docs/reference/reasons.md.
       */
      readonly code?: string;
    }[];
    /**
     * Interfaces and entries that are not exposed.
     */
    readonly skipped?: {
      /**
       * The interface, or the entry that names it.
       */
      readonly name: string;
      /**
       * namespace/name of the policy, if a policy asked for it.
       */
      readonly policy?: string;
      /**
       * Index in the policy's parentSelector or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * The winner, or the link that has it as a port.
       */
      readonly by?: string;
      /**
       * Reason; a code of docs/reference/reasons.md.
       */
      readonly code: string;
      /**
       * The reason as text, with its values.
       */
      readonly message?: string;
    }[];
    /**
     * Resources that lost a conflict on this node.
     */
    readonly conflicts?: {
      /**
       * The resource that lost, with the entry that asked for it.
       */
      readonly name: string;
      /**
       * namespace/name of the policy, if a policy asked for it.
       */
      readonly policy?: string;
      /**
       * Index in the policy's parentSelector or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * Winner of the conflict, a policy (namespace/name), a source or a resource.
       */
      readonly by?: string;
      /**
       * Reason; a code of docs/reference/reasons.md.
       */
      readonly code: string;
      /**
       * The reason as text, with the winner.
       */
      readonly message?: string;
    }[];
    /**
     * Problems that keep the node from offering devices.
     */
    readonly troubles?: {
      /**
       * The problem; a code of docs/reference/reasons.md.
       */
      readonly code: string;
      /**
       * The problem as text, with the fix.
       */
      readonly message: string;
    }[];
    /**
     * Counts over all resources.
     */
    readonly counts?: {
      /**
       * Number of resources, including those that drain.
       */
      readonly resources?: number;
      /**
       * Number of devices.
       */
      readonly devices?: number;
      /**
       * Number of devices that pods hold.
       */
      readonly held?: number;
      /**
       * Number of resources that are Unhealthy or Degraded.
       */
      readonly unhealthy?: number;
    };
    /**
     * Generation of each policy that this state reflects.
     */
    readonly observedPolicies?: {
      /**
       * namespace/name of the policy.
       */
      readonly name: string;
      /**
       * Its metadata.generation.
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
