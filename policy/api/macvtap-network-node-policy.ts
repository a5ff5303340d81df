// SPDX-License-Identifier: Apache-2.0
// Generated from macvtapnetworknodepolicies.yaml by npm run generate; not to be edited.

/**
 * Which interfaces of which nodes are exposed as macvtap resources, and how.
 */
export interface MacvtapNetworkNodePolicy {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    [k: string]: unknown;
  };
  /**
   * The wish. A node that at least one policy selects exposes exactly what its policies say.
   */
  readonly spec: {
    /**
     * Settles conflicts between policies on a node; the lower value wins.
     */
    readonly priority?: number;
    /**
     * Resource-centric form: each selected node exposes this one resource, on the first entry of parentSelector, in list order, that finds an interface. No entry may then carry its own name.
     */
    readonly resourceName?: string;
    /**
     * Which interfaces become parents. Entries that find nothing on a node are normal.
     */
    readonly parentSelector: {
      /**
       * Exact name, or altname, of the interface.
       */
      readonly parentIface?: string;
      /**
       * All given fields must match; the values of one field are alternatives.
       */
      readonly nicSelector?: {
        /**
         * Shell globs on the name and the altnames.
         */
        readonly names?: readonly string[];
        /**
         * Kernel driver of the device, or the link kind of a virtual interface.
         */
        readonly drivers?: readonly string[];
        /**
         * Shell globs on the PCI address, such as 0000:3b:00.0.
         */
        readonly pciAddresses?: readonly string[];
        /**
         * PCI vendor, four hexadecimal digits.
         */
        readonly vendorIDs?: readonly string[];
        /**
         * PCI device, four hexadecimal digits.
         */
        readonly deviceIDs?: readonly string[];
        /**
         * Shell globs on the permanent address, or the current one where there is none.
         */
        readonly macAddresses?: readonly string[];
        /**
         * NUMA nodes; a bond is on those of its members.
         */
        readonly numaNodes?: readonly number[];
        /**
         * An interface that this matches is not selected.
         */
        readonly exclude?: {
          readonly names?: readonly string[];
          readonly drivers?: readonly string[];
          readonly pciAddresses?: readonly string[];
          readonly vendorIDs?: readonly string[];
          readonly deviceIDs?: readonly string[];
          readonly macAddresses?: readonly string[];
          readonly numaNodes?: readonly number[];
          /**
           * The interface that holds the node's default route.
           */
          readonly defaultRoute?: true;
        };
      };
      /**
       * macvtap mode of the devices.
       */
      readonly mode?: 'bridge' | 'private' | 'vepa' | 'passthru';
      /**
       * How many devices; 1 for passthru, else 100 when absent.
       */
      readonly quantity?: number;
      /**
       * Last part of macvtap.network.kubevirt.io/<resourceName>; default the interface's name.
       */
      readonly resourceName?: string;
      /**
       * Give kubelet no NUMA hint for these devices.
       */
      readonly excludeTopology?: boolean;
      /**
       * Allocate also hands out /dev/vhost-net.
       */
      readonly needVhostNet?: boolean;
      /**
       * Let passthru take an interface that carries the node's own traffic.
       */
      readonly allowHostInterface?: boolean;
    }[];
    /**
     * Selects nodes by their labels; absent or empty selects every node.
     */
    readonly nodeSelector?: {
      readonly matchLabels?: {
        [k: string]: unknown;
      };
      readonly matchExpressions?: {
        readonly key: string;
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        readonly values?: readonly unknown[];
      }[];
    };
    /**
     * core/v1 NodeSelector; a node must satisfy this and nodeSelector.
     */
    readonly nodeAffinity?: {
      /**
       * Alternatives; within a term all requirements must hold.
       */
      readonly nodeSelectorTerms: {
        readonly matchExpressions?: {
          readonly key: string;
          readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
          readonly values?: readonly unknown[];
        }[];
        readonly matchFields?: {
          readonly key: string;
          readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
          readonly values?: readonly unknown[];
        }[];
      }[];
    };
    /**
     * Only pods in these namespaces may use the resources; absent or empty allows all.
     */
    readonly namespaceSelector?: {
      readonly matchLabels?: {
        [k: string]: unknown;
      };
      readonly matchExpressions?: {
        readonly key: string;
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        readonly values?: readonly unknown[];
      }[];
    };
  };
  /**
   * What came of it, written by the webhook's leader.
   */
  readonly status?: {
    readonly observedGeneration?: number;
    readonly matchedNodes?: number;
    readonly exposingNodes?: number;
    readonly conditions?: {
      readonly type: 'Accepted' | 'Exposed' | 'Conflicted';
      readonly status: 'True' | 'False' | 'Unknown';
      readonly observedGeneration?: number;
      readonly lastTransitionTime: string;
      readonly reason: string;
      readonly message: string;
    }[];
    readonly entries?: {
      readonly index: number;
      readonly nodes: number;
    }[];
  };
}

/** Defaults that the schema states, by path. */
export const macvtapNetworkNodePolicyDefaults = {
  'spec.priority': 99,
  'spec.parentSelector[].mode': 'bridge',
  'spec.parentSelector[].excludeTopology': false,
  'spec.parentSelector[].needVhostNet': false,
  'spec.parentSelector[].allowHostInterface': false,
} as const;
