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
  readonly status?: {
    readonly pluginVersion?: string;
    /**
     * What caused the resources; none when nothing applies.
     */
    readonly source?: 'policy' | 'explicit' | 'tag' | 'implicit' | 'none';
    /**
     * Possible parents and the interfaces that a source names, as read from the kernel.
     */
    readonly interfaces?: {
      readonly name: string;
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
      readonly loopback?: boolean;
      /**
       * Administratively up (IFF_UP).
       */
      readonly up?: boolean;
      readonly carrier?: boolean;
      readonly mtu?: number;
      readonly macAddress?: string;
      /**
       * The address that the hardware has, where the kernel gives one.
       */
      readonly permanentMACAddress?: string;
      /**
       * Driver of the device; the link kind for virtual interfaces.
       */
      readonly driver?: string;
      readonly pciAddress?: string;
      readonly vendorID?: string;
      readonly deviceID?: string;
      readonly numaNode?: number;
      /**
       * The link that this one is enslaved to.
       */
      readonly master?: {
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
    readonly resources?: {
      readonly name: string;
      readonly parent: string;
      readonly mode: 'bridge' | 'private' | 'vepa' | 'passthru';
      readonly source: 'policy' | 'explicit' | 'tag' | 'implicit';
      /**
       * namespace/name of the policy, when the source is one.
       */
      readonly policy?: string;
      readonly quantity: number;
      readonly held?: number;
      readonly health?: 'Healthy' | 'Degraded' | 'Unhealthy';
      readonly code?: string;
    }[];
    /**
     * What was looked at and not exposed.
     */
    readonly skipped?: {
      readonly name: string;
      readonly code: string;
      readonly message?: string;
    }[];
    readonly conflicts?: {
      readonly name: string;
      readonly code: string;
      readonly message?: string;
    }[];
    /**
     * Generation of each policy that this state rests on.
     */
    readonly observedPolicies?: {
      readonly name: string;
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
