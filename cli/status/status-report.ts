// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';

/** What `status` tells, as a script gets it. */
export interface StatusReport {
  /** Where it is of a directory and not of a cluster: there nobody writes conditions. */
  readonly isOfFiles?: boolean;
  /** In natural order of their names. */
  readonly nodes: readonly NodeStatus[];
  /** By name; absent where policies could not be read. */
  readonly policies?: readonly PolicyStatus[];
}

/** A node, by its own plugin's account. */
export interface NodeStatus {
  readonly name: string;
  /** What caused its resources; absent where the node reports nothing. */
  readonly source?: string;
  readonly pluginVersion?: string;
  readonly resources: readonly ResourceStatus[];
  readonly conflicts: NonNullable<State['conflicts']>;
  /** What keeps the node as a whole from giving out any device. */
  readonly troubles: NonNullable<State['troubles']>;
  /** Why what is told of the node is not, or may not be, how it is: each a line for a person. */
  readonly doubts: readonly string[];
}

type State = NonNullable<MacvtapNetworkNodeState['status']>;

/** As the node reports it: docs/node-state-reference.md. */
export type ResourceStatus = NonNullable<State['resources']>[number];

/** A policy, by the account of the webhook's leader. */
export interface PolicyStatus {
  /** `namespace/name` */
  readonly name: string;
  readonly conditions: readonly PolicyCondition[];
  readonly matchedNodes?: number;
  readonly exposingNodes?: number;
  /** Whether the conditions are of an older generation than the policy has. */
  readonly isBehind: boolean;
}

export interface PolicyCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}
