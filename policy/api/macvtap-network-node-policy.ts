// SPDX-License-Identifier: Apache-2.0
// Generated from macvtapnetworknodepolicies.yaml by npm run generate; not to be edited.

/**
 * Exposes interfaces of selected nodes as macvtap resources.
 */
export interface MacvtapNetworkNodePolicy {
  /**
   * Version of the schema, macvtap.network.kubevirt.io/v1alpha1.
   */
  readonly apiVersion: string;
  /**
   * MacvtapNetworkNodePolicy.
   */
  readonly kind: string;
  readonly metadata: {
    [k: string]: unknown;
  };
  /**
   * Desired state. A node that at least one policy selects exposes exactly the resources of its policies.
   */
  readonly spec: {
    /**
     * Decides conflicts between policies on a node; the lower value wins.
     */
    readonly priority?: number;
    /**
     * Resource-centric form: each selected node exposes this one resource, on the first entry of parentSelector, in
     * list order, that finds an interface. No entry may then carry its own name.
     */
    readonly resourceName?: string;
    /**
     * Interfaces that become parents. An entry may match no interface of a node.
     *
     * Items: One entry. It has either parentIface or nicSelector.
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
         * An interface that this matches is not selected; all given fields must match.
         */
        readonly exclude?: {
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
           * Excludes the interface with the node's default route.
           */
          readonly defaultRoute?: true;
        };
      };
      /**
       * ID of an 802.1Q VLAN. The parent is then this VLAN on the interface, and not the interface. The node plugin
       * creates the VLAN interface unless the node has one, and removes only those that it created.
       */
      readonly vlan?: number;
      /**
       * macvtap mode of the devices.
       */
      readonly mode?: 'bridge' | 'private' | 'vepa' | 'passthru';
      /**
       * Number of devices. Default 100, and always 1 for passthru.
       */
      readonly quantity?: number;
      /**
       * Last part of macvtap.network.kubevirt.io/<resourceName>. Default the interface's name, and with vlan
       * <interface>.<vlan>.
       */
      readonly resourceName?: string;
      /**
       * Omits the NUMA hint to kubelet for these devices.
       */
      readonly excludeTopology?: boolean;
      /**
       * Allocate also hands out /dev/vhost-net.
       */
      readonly needVhostNet?: boolean;
      /**
       * Allows mode passthru on an interface that carries the node's own traffic.
       */
      readonly allowHostInterface?: boolean;
    }[];
    /**
     * Selects nodes by their labels; absent or empty selects every node.
     */
    readonly nodeSelector?: {
      /**
       * Labels that must all be there with these values: strings. Booleans and integers are turned into strings;
       * anything else is refused.
       */
      readonly matchLabels?: {
        [k: string]: unknown;
      };
      /**
       * Requirements that must all hold.
       *
       * Items: One requirement on a label.
       */
      readonly matchExpressions?: {
        /**
         * Key of the label, or, in matchFields, metadata.name.
         */
        readonly key: string;
        /**
         * How the label is compared.
         */
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        /**
         * Strings: at least one for In and NotIn, none for Exists and DoesNotExist, one integer for Gt and Lt. Booleans
         * and integers are turned into strings.
         */
        readonly values?: readonly unknown[];
      }[];
    };
    /**
     * core/v1 NodeSelector; a node must satisfy this and nodeSelector.
     */
    readonly nodeAffinity?: {
      /**
       * Alternatives; within a term all requirements must hold.
       *
       * Items: A term; one that asks nothing selects no node.
       */
      readonly nodeSelectorTerms: {
        /**
         * Requirements on the node's labels.
         *
         * Items: One requirement on a label or a field.
         */
        readonly matchExpressions?: {
          /**
           * Key of the label, or, in matchFields, metadata.name.
           */
          readonly key: string;
          /**
           * How the label or field is compared; Gt and Lt compare integers.
           */
          readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
          /**
           * Strings: at least one for In and NotIn, none for Exists and DoesNotExist, one integer for Gt and Lt.
           * Booleans and integers are turned into strings.
           */
          readonly values?: readonly unknown[];
        }[];
        /**
         * Requirements on the node's name, by the key metadata.name and In or NotIn.
         *
         * Items: One requirement on a label or a field.
         */
        readonly matchFields?: {
          /**
           * Key of the label, or, in matchFields, metadata.name.
           */
          readonly key: string;
          /**
           * How the label or field is compared; Gt and Lt compare integers.
           */
          readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
          /**
           * Strings: at least one for In and NotIn, none for Exists and DoesNotExist, one integer for Gt and Lt.
           * Booleans and integers are turned into strings.
           */
          readonly values?: readonly unknown[];
        }[];
      }[];
    };
    /**
     * Only pods in these namespaces may use the resources; absent or empty allows all.
     */
    readonly namespaceSelector?: {
      /**
       * Labels that must all be there with these values: strings. Booleans and integers are turned into strings;
       * anything else is refused.
       */
      readonly matchLabels?: {
        [k: string]: unknown;
      };
      /**
       * Requirements that must all hold.
       *
       * Items: One requirement on a label.
       */
      readonly matchExpressions?: {
        /**
         * Key of the label, or, in matchFields, metadata.name.
         */
        readonly key: string;
        /**
         * How the label is compared.
         */
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        /**
         * Strings: at least one for In and NotIn, none for Exists and DoesNotExist, one integer for Gt and Lt. Booleans
         * and integers are turned into strings.
         */
        readonly values?: readonly unknown[];
      }[];
    };
  };
  /**
   * Observed state, written by the webhook's leader.
   */
  readonly status?: {
    /**
     * Generation of the policy that this status is about.
     */
    readonly observedGeneration?: number;
    /**
     * Nodes that the policy selects.
     */
    readonly matchedNodes?: number;
    /**
     * Nodes that offer devices of at least one of its resources.
     */
    readonly exposingNodes?: number;
    /**
     * Whether the policy is accepted, exposes something, and lost to another one.
     *
     * Items: One aspect of the policy's state, as metav1.Condition.
     */
    readonly conditions?: {
      /**
       * The aspect.
       */
      readonly type: 'Accepted' | 'Exposed' | 'Conflicted';
      /**
       * Whether it is so.
       */
      readonly status: 'True' | 'False' | 'Unknown';
      /**
       * Generation of the policy that the condition is about.
       */
      readonly observedGeneration?: number;
      /**
       * When status last changed.
       */
      readonly lastTransitionTime: string;
      /**
       * Why, as a code of docs/reference/status.md.
       */
      reason:
        | 'Valid'
        | 'PolicyInvalid'
        | 'PolicyOutsideNamespace'
        | 'Exposing'
        | 'NoNodes'
        | 'NothingFound'
        | 'Unhealthy'
        | 'LostToOthers'
        | 'NoConflict'
        | 'ResourceNameTaken'
        | 'PassthruExclusive'
        | 'Pending'
        | 'NotAccepted';
      /**
       * Why, for a person.
       */
      readonly message: string;
    }[];
    /**
     * Result of each entry of parentSelector.
     *
     * Items: Result of one entry.
     */
    readonly entries?: {
      /**
       * Place of the entry in parentSelector, from 0.
       */
      readonly index: number;
      /**
       * Nodes that give out devices by it.
       */
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
