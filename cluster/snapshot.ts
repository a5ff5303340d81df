// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../policy/api/macvtap-network-node-state.ts';
import type { Policy } from '../policy/nodepolicy/read-policy.ts';
import type { Labels } from '../policy/plan/match-labels.ts';
import type { NodeFacts } from '../policy/plan/match-node.ts';
import type { ExplicitConfig } from '../policy/plan/read-explicit.ts';

/** A NetworkAttachmentDefinition, as far as it is read. */
export interface NetworkAttachmentDefinition {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    /** Absent in a file. */
    readonly uid?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly config?: string };
}

/** Everything that is known of the cluster at one moment; a new one replaces it whole, so a reader sees no mixture. */
export interface Snapshot {
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly policies: readonly Policy[];
  /** By `namespace/name`. */
  readonly networks: ReadonlyMap<string, NetworkAttachmentDefinition>;
  /** By the node's name. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  /** Undefined where the config map does not exist. */
  readonly explicit: ExplicitConfig | undefined;
}

/** Nothing known: what a source says before it has read anything. */
export const emptySnapshot: Snapshot = {
  nodes: new Map(),
  namespaces: new Map(),
  policies: [],
  networks: new Map(),
  nodeStates: new Map(),
  explicit: undefined,
};
