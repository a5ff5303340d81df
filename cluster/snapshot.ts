// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../policy/api/macvtap-network-node-state.ts';
import type { Policy } from '../policy/nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../policy/plan/from-explicit.ts';
import type { Labels, NodeFacts } from '../policy/plan/match-labels.ts';

/** The fields of a NetworkAttachmentDefinition that the program reads. */
export interface NetworkAttachmentDefinition {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    /** Absent for an object from a file. */
    readonly uid?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly config?: string };
}

/**
 * The known state of the cluster at one moment. Each change creates a new snapshot, so that a reader never sees a
 * mixture of old and new objects.
 */
export interface Snapshot {
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly policies: readonly Policy[];
  /** By `namespace/name`. */
  readonly networks: ReadonlyMap<string, NetworkAttachmentDefinition>;
  /** By the name of the node. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  /** Nodes whose state is left out, with the reason. They are not in `nodeStates`. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** macvtap-cni's config map, or undefined if it does not exist. */
  readonly explicit: ExplicitConfig | undefined;
}

/** The snapshot of a source that has read nothing yet. */
export const emptySnapshot: Snapshot = {
  nodes: new Map(),
  namespaces: new Map(),
  policies: [],
  networks: new Map(),
  nodeStates: new Map(),
  leftOut: new Map(),
  explicit: undefined,
};
