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
   * What the node's own plugin last saw and did. There is no spec: what is wished stands in policies, the explicit configuration and the node's labels.
   */
  readonly status?: {
    /**
     * Version of the node plugin that wrote this.
     */
    readonly pluginVersion?: string;
    /**
     * What caused the resources; none when nothing applies.
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
       * NUMA node of its device, where the hardware tells.
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
       * The link that this one stands on (IFLA_LINK), in the same namespace.
       */
      readonly lowerIfindex?: number;
      /**
       * IP addresses of global scope, with prefix length.
       */
      readonly addresses?: readonly string[];
      /**
       * Whether a default route of the main table leaves by it.
       */
      readonly defaultRoute?: boolean;
    }[];
    /**
     * What the node exposes, and what it no longer would but some pod still holds.
     */
    readonly resources?: {
      /**
       * Last part of macvtap.network.kubevirt.io/<name>.
       */
      readonly name: string;
      /**
       * Name of the interface that new devices stand on. Of a resource that drains, the one that all of its held devices stand on, where there is one.
       */
      readonly parent?: string;
      /**
       * macvtap mode of new devices; of a resource that drains, as with the parent.
       */
      readonly mode?: 'bridge' | 'private' | 'vepa' | 'passthru';
      /**
       * What caused it; none when nothing asks for it any more and it drains.
       */
      readonly source: 'policy' | 'explicit' | 'tag' | 'implicit' | 'none';
      /**
       * namespace/name of the policy, when the source is one.
       */
      readonly policy?: string;
      /**
       * Place of what asked for it in the policy's parentSelector, or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * How many devices it has to give out, those that pods hold among them; 0 when it drains.
       */
      readonly quantity: number;
      /**
       * How many devices pods hold.
       */
      readonly held?: number;
      /**
       * How many of the held ones lost their link along with the parent; absent for none.
       */
      readonly lost?: number;
      /**
       * Held devices that stand on another interface, or have another mode, than the resource has by now: they stay as they were given out until their pods end. They are counted in held, too. Absent for none.
       */
      readonly heldElsewhere?: {
        /**
         * Name of the interface that they stand on, as it was when they were given out.
         */
        readonly parent: string;
        /**
         * Their macvtap mode.
         */
        readonly mode: 'bridge' | 'private' | 'vepa' | 'passthru';
        /**
         * How many they are.
         */
        readonly held: number;
      }[];
      /**
       * Unhealthy gives out nothing for now; Degraded gives out devices, though the parent is down or without a carrier, or some pods have lost their link.
       */
      readonly health?: 'Healthy' | 'Degraded' | 'Unhealthy';
      /**
       * Why it is not Healthy; a code of docs/reasons.md.
       */
      readonly code?: string;
    }[];
    /**
     * What was looked at and not exposed.
     */
    readonly skipped?: {
      /**
       * The interface, or the place that asked for it.
       */
      readonly name: string;
      /**
       * namespace/name of the policy that asked, when one did.
       */
      readonly policy?: string;
      /**
       * Place in the policy's parentSelector, or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * Who came first, or the link that it is enslaved to.
       */
      readonly by?: string;
      /**
       * Why; a code of docs/reasons.md.
       */
      readonly code: string;
      /**
       * The same in words, with the values of the case.
       */
      readonly message?: string;
    }[];
    /**
     * What lost to something else on this node.
     */
    readonly conflicts?: {
      /**
       * The resource that lost, with what asked for it.
       */
      readonly name: string;
      /**
       * namespace/name of the policy that asked, when one did.
       */
      readonly policy?: string;
      /**
       * Place in the policy's parentSelector, or in the explicit configuration, from 0.
       */
      readonly entry?: number;
      /**
       * Who has it instead; the policy (namespace/name), the source or the resource.
       */
      readonly by?: string;
      /**
       * Why; a code of docs/reasons.md.
       */
      readonly code: string;
      /**
       * The same in words, with the winner.
       */
      readonly message?: string;
    }[];
    /**
     * What keeps the node as a whole from giving out any device.
     */
    readonly troubles?: {
      /**
       * What it is; a code of docs/reasons.md.
       */
      readonly code: string;
      /**
       * The same in words, and what to do.
       */
      readonly message: string;
    }[];
    /**
     * The resources in numbers.
     */
    readonly counts?: {
      /**
       * Resources, those that drain among them.
       */
      readonly resources?: number;
      /**
       * Devices that they have to give out.
       */
      readonly devices?: number;
      /**
       * Devices that pods hold.
       */
      readonly held?: number;
      /**
       * Resources that are Unhealthy or Degraded.
       */
      readonly unhealthy?: number;
    };
    /**
     * Generation of each policy that this state rests on.
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
