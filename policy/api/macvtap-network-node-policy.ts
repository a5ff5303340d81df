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
   * Desired state. If at least one policy selects a node, the node exposes exactly the resources of these policies.
   */
  readonly spec: {
    /**
     * If policies conflict on a node, the policy with the lower value wins.
     */
    readonly priority?: number;
    /**
     * Makes the policy resource-centric: on each selected node, the policy defines only this resource. Its parent comes
     * from the first entry of parentSelector that matches an interface. In this form, entries cannot have a
     * resourceName.
     */
    readonly resourceName?: string;
    /**
     * Selects the interfaces that become parents, in order of preference. An entry that matches no interface of a node
     * is not an error.
     *
     * Items: One entry, with either parentIface or nicSelector.
     */
    readonly parentSelector: {
      /**
       * Exact name or altname of the interface.
       */
      readonly parentIface?: string;
      /**
       * Selects interfaces by their properties. All fields that are set must match; the values of one field are
       * alternatives.
       */
      readonly nicSelector?: {
        /**
         * Shell globs on the name and the altnames.
         */
        readonly names?: readonly string[];
        /**
         * Kernel drivers of the interface's device. For a virtual interface, its link kind.
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
         * Shell globs on the permanent MAC address. For an interface without a permanent address, on the current one.
         */
        readonly macAddresses?: readonly string[];
        /**
         * NUMA nodes of the interface's device. A bond has the NUMA nodes of its members.
         */
        readonly numaNodes?: readonly number[];
        /**
         * Excludes the interfaces that match. All fields that are set must match; the values of one field are
         * alternatives.
         */
        readonly exclude?: {
          /**
           * Shell globs on the name and the altnames.
           */
          readonly names?: readonly string[];
          /**
           * Kernel drivers of the interface's device. For a virtual interface, its link kind.
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
           * Shell globs on the permanent MAC address. For an interface without a permanent address, on the current one.
           */
          readonly macAddresses?: readonly string[];
          /**
           * NUMA nodes of the interface's device. A bond has the NUMA nodes of its members.
           */
          readonly numaNodes?: readonly number[];
          /**
           * Excludes the interface with the node's default route.
           */
          readonly defaultRoute?: true;
        };
      };
      /**
       * ID of an 802.1Q VLAN. The parent is then this VLAN of the interface, not the interface itself. If the node does
       * not have the VLAN, the node plugin creates it. The node plugin removes only VLANs that it created.
       */
      readonly vlan?: number;
      /**
       * macvtap mode of the devices.
       */
      readonly mode?: 'bridge' | 'private' | 'vepa' | 'passthru';
      /**
       * Number of devices. The default is 100, or 1 in mode passthru.
       */
      readonly quantity?: number;
      /**
       * Last part of the resource's name macvtap.network.kubevirt.io/<resourceName>. The default is the interface's
       * name or, if vlan is set, <interface>.<vlan>.
       */
      readonly resourceName?: string;
      /**
       * If true, kubelet gets no NUMA node for these devices.
       */
      readonly excludeTopology?: boolean;
      /**
       * If true, each container with such a device also gets /dev/vhost-net.
       */
      readonly needVhostNet?: boolean;
      /**
       * Allows mode passthru on an interface that carries the node's own traffic.
       */
      readonly allowHostInterface?: boolean;
    }[];
    /**
     * Selects nodes by their labels. An absent or empty selector selects every node.
     */
    readonly nodeSelector?: {
      /**
       * Labels that must all exist with these values. Values are strings. The webhook converts booleans and integers to
       * strings, and rejects other types.
       */
      readonly matchLabels?: {
        [k: string]: unknown;
      };
      /**
       * Requirements that must all be satisfied.
       *
       * Items: One requirement on a label.
       */
      readonly matchExpressions?: {
        /**
         * Key of the label.
         */
        readonly key: string;
        /**
         * How the label's value is compared with values.
         */
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        /**
         * In and NotIn need at least one value, Exists and DoesNotExist none. Values are strings. The webhook converts
         * booleans and integers to strings.
         */
        readonly values?: readonly unknown[];
      }[];
    };
    /**
     * Selects nodes by a core/v1 NodeSelector. A node must match both nodeAffinity and nodeSelector.
     */
    readonly nodeAffinity?: {
      /**
       * A node must match at least one of these terms. It matches a term if it satisfies all requirements of the term.
       *
       * Items: One term. A term without requirements selects no node.
       */
      readonly nodeSelectorTerms: {
        /**
         * Requirements on the node's labels.
         *
         * Items: One requirement on a label or a field.
         */
        readonly matchExpressions?: {
          /**
           * Key of the label. In matchFields, the key must be metadata.name.
           */
          readonly key: string;
          /**
           * How the value is compared with values. Gt and Lt compare integers.
           */
          readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
          /**
           * In and NotIn need at least one value, Exists and DoesNotExist none, Gt and Lt exactly one integer. In
           * matchFields, In and NotIn need exactly one value. Values are strings. The webhook converts booleans and
           * integers to strings.
           */
          readonly values?: readonly unknown[];
        }[];
        /**
         * Requirements on the node's name. The key must be metadata.name, and the operator In or NotIn.
         *
         * Items: One requirement on a label or a field.
         */
        readonly matchFields?: {
          /**
           * Key of the label. In matchFields, the key must be metadata.name.
           */
          readonly key: string;
          /**
           * How the value is compared with values. Gt and Lt compare integers.
           */
          readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
          /**
           * In and NotIn need at least one value, Exists and DoesNotExist none, Gt and Lt exactly one integer. In
           * matchFields, In and NotIn need exactly one value. Values are strings. The webhook converts booleans and
           * integers to strings.
           */
          readonly values?: readonly unknown[];
        }[];
      }[];
    };
    /**
     * Selects the namespaces whose pods may use the resources. An absent or empty selector selects all namespaces.
     */
    readonly namespaceSelector?: {
      /**
       * Labels that must all exist with these values. Values are strings. The webhook converts booleans and integers to
       * strings, and rejects other types.
       */
      readonly matchLabels?: {
        [k: string]: unknown;
      };
      /**
       * Requirements that must all be satisfied.
       *
       * Items: One requirement on a label.
       */
      readonly matchExpressions?: {
        /**
         * Key of the label.
         */
        readonly key: string;
        /**
         * How the label's value is compared with values.
         */
        readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
        /**
         * In and NotIn need at least one value, Exists and DoesNotExist none. Values are strings. The webhook converts
         * booleans and integers to strings.
         */
        readonly values?: readonly unknown[];
      }[];
    };
    /**
     * Effect of a parent without a carrier on nodes that use dynamic resource allocation. NoSchedule: new pods cannot
     * get its devices. Evict: after carrierLossGracePeriod, pods with its devices are also evicted. Ignore: no effect.
     * Nodes that use the device plugin API ignore this field.
     */
    readonly onCarrierLoss?: 'Ignore' | 'NoSchedule' | 'Evict';
    /**
     * With onCarrierLoss Evict, the time without a carrier after which pods are evicted: a whole number with s, m or h,
     * such as 30s.
     */
    readonly carrierLossGracePeriod?: string;
  };
  /**
   * Observed state, written by the webhook's leader.
   */
  readonly status?: {
    /**
     * Generation of the policy that this status describes.
     */
    readonly observedGeneration?: number;
    /**
     * Number of nodes that the policy selects.
     */
    readonly matchedNodes?: number;
    /**
     * Number of nodes that offer devices of at least one resource of the policy.
     */
    readonly exposingNodes?: number;
    /**
     * Whether the policy is accepted, exposes a resource, and lost a conflict.
     *
     * Items: One aspect of the policy's state, as metav1.Condition.
     */
    readonly conditions?: {
      /**
       * The aspect that the condition describes.
       */
      readonly type: 'Accepted' | 'Exposed' | 'Conflicted';
      /**
       * Whether the condition is true.
       */
      readonly status: 'True' | 'False' | 'Unknown';
      /**
       * Generation of the policy that the condition describes.
       */
      readonly observedGeneration?: number;
      /**
       * When status last changed.
       */
      readonly lastTransitionTime: string;
      /**
       * Reason as a code; docs/reference/status.md explains the codes.
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
       * Reason as text, with numbers and names.
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
       * Index of the entry in parentSelector, from 0.
       */
      readonly index: number;
      /**
       * Number of nodes that offer devices because of this entry.
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
  'spec.onCarrierLoss': 'NoSchedule',
  'spec.carrierLossGracePeriod': '30s',
} as const;
